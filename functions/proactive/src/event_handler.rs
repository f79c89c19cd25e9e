//! A schedule's event in, a count of what was planned or moved out.
//! Lambda's types go no further than this file.

use herald::error::error_chain;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use tracing::{error, info};

use crate::event::{Event, Firing};
use crate::{Moved, Proactive};

/// Before the end of the function a tick begins nothing for this long.
const LAST_CALL: SignedDuration = SignedDuration::from_secs(20);

/// Plans one notification, or moves what is due.
///
/// # Errors
///
/// When the event is refused or not finished: Lambda then repeats the event, and in the end puts it into the
/// on-failure queue, where an alarm watches.
pub async fn handle(proactive: &Proactive, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let stop_at = stop_at(event.context.deadline);
    let event = Event::read(event.payload, proactive.clock.now()).inspect_err(|error| {
        error!("refused an event: {error}");
    })?;
    match event {
        Event::Tick => tick(proactive, stop_at).await,
        Event::Notification(firing) => plan(proactive, &firing, stop_at).await,
    }
}

async fn plan(proactive: &Proactive, firing: &Firing, stop_at: Option<Timestamp>) -> Result<Value, Error> {
    let (id, notification) = (firing.id.as_str(), firing.spec.notification.name.as_str());
    let planned = async {
        proactive.open(&firing.id, &firing.spec).await?;
        proactive.advance(&firing.id, stop_at).await
    };
    let broadcast = planned.await.inspect_err(|error| {
        let cause = error_chain(error);
        error!(error = %cause, broadcast.id = id, notification.name = notification, "could not plan a notification");
    })?;
    let (recipients, unreadable) = (broadcast.recipients(), broadcast.unreadable);
    info!(
        broadcast.id = id,
        notification.name = notification,
        recipients,
        unreadable,
        "planned a notification"
    );
    Ok(json!({ "broadcast": id, "recipients": recipients, "unreadable": unreadable }))
}

async fn tick(proactive: &Proactive, stop_at: Option<Timestamp>) -> Result<Value, Error> {
    let moved = proactive.tick(stop_at).await.inspect_err(|error| {
        error!(error = %error_chain(error), "could not go through the agenda");
    })?;
    // Kept apart: work that is due does not wait for a broadcast, nor does one that cannot go on stop the other.
    proactive.go_on(stop_at).await.inspect_err(|error| {
        error!(error = %error_chain(error), "could not go on with the broadcasts");
    })?;
    let Moved { queued, kept, unreadable } = moved;
    if moved != Moved::default() {
        info!(queued, kept, unreadable, "moved what is due");
    }
    Ok(json!({ "queued": queued, "kept": kept, "unreadable": unreadable }))
}

/// Where a tick begins nothing any more, given when Lambda ends the function; none where nothing ends it.
fn stop_at(deadline_ms: u64) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline_ms).ok().filter(|deadline| *deadline > 0)?;
    Timestamp::from_millisecond(deadline).ok()?.checked_sub(LAST_CALL).ok()
}
