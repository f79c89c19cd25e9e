//! Runs the schedules as EventBridge Scheduler does, and saves the state periodically.

use std::sync::Arc;
use std::time::Duration;

use herald::clock::Clock;
use herald::error::error_chain;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tracing::error;

use crate::Local;
use crate::aws_emulator::template::{ScheduleDefinition, fire};

/// Gap after which a schedule that was due several times runs once: the clock was moved, or the machine slept.
const GAP: SignedDuration = SignedDuration::from_mins(2);

/// Runs every due schedule, concurrently, including schedules that are added meanwhile.
pub async fn run_schedules(local: Arc<Local>, clock: Arc<dyn Clock>) {
    let mut firing = JoinSet::new();
    let mut last = clock.now();
    loop {
        clock.sleep(Duration::from_secs(1)).await;
        let now = clock.now();
        match local.stack.due(last, now) {
            Ok(due) => {
                let has_gap = now.duration_since(last) > GAP;
                for (schedule, due) in if has_gap { latest(due) } else { due } {
                    firing.spawn(fire_one(local.clone(), schedule, due));
                }
            }
            Err(error) => error!(error = %error_chain(&error), "could not save the schedules"),
        }
        last = now;
        while firing.try_join_next().is_some() {}
    }
}

/// Returns the latest run of each schedule.
fn latest(due: Vec<(ScheduleDefinition, Timestamp)>) -> Vec<(ScheduleDefinition, Timestamp)> {
    let mut latest: Vec<(ScheduleDefinition, Timestamp)> = Vec::new();
    for (schedule, time) in due {
        latest.retain(|(other, _)| other.name != schedule.name);
        latest.push((schedule, time));
    }
    latest
}

async fn fire_one(local: Arc<Local>, schedule: ScheduleDefinition, due: Timestamp) {
    if let Err(error) = local.fire(fire(&schedule, due)).await {
        error!(error = %error_chain(error.as_ref()), schedule.name, "could not run a schedule");
    }
}

/// Saves the state every second.
pub async fn autosave(local: Arc<Local>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(Duration::from_secs(1)).await;
        if let Err(error) = local.save().await {
            error!(error = %error_chain(&error), "could not save the state");
        }
    }
}
