//! What happens by the clock: schedules fire as EventBridge would fire them, and state is kept.
//! What a firing leads to is `proactive`'s.

use std::sync::Arc;
use std::time::Duration;

use herald::clock::Clock;
use herald::telemetry::causes;
use tracing::error;

use crate::local::Local;
use crate::template::{ScheduleDefinition, fire};

/// Fires `schedule` whenever it is due.
pub(super) async fn fire_on_time(local: Arc<Local>, schedule: ScheduleDefinition, clock: Arc<dyn Clock>) {
    let mut last = clock.now();
    while let Some(due) = schedule.next_after(last) {
        let wait = Duration::try_from(due.duration_since(clock.now())).unwrap_or_default();
        clock.sleep(wait).await;
        if let Err(error) = local.fire(fire(&schedule, due)).await {
            error!(
                error = %causes(error.as_ref()),
                schedule.name, "a schedule could not be fired"
            );
        }
        last = due;
    }
}

/// Keeps the channel's people and conversations on file.
pub(super) async fn save_now_and_then(local: Arc<Local>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(Duration::from_secs(1)).await;
        if let Err(error) = local.save().await {
            error!(error = %causes(&error), "could not keep the state");
        }
    }
}
