//! Handles an event: opens and plans a broadcast, or runs a tick, and returns a summary.
//! The types of the Lambda runtime are used in this file only.

use herald::error::error_chain;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use tracing::{error, info};

use crate::Proactive;
use crate::event::{BroadcastRequest, Event};
use crate::timers::TickSummary;

/// Time before the function's end in which a tick starts nothing new.
const SHUTDOWN_MARGIN: SignedDuration = SignedDuration::from_secs(20);

/// Plans the broadcast of a notification, or moves due timers.
///
/// # Errors
///
/// When the event is rejected or not completed: Lambda then repeats it, and finally sends it to the on-failure queue,
/// which has an alarm.
pub async fn handle(proactive: &Proactive, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let stop_at = stop_at(event.context.deadline);
    let event = Event::read(event.payload, proactive.clock.now()).inspect_err(|error| {
        error!("rejected an event: {error}");
    })?;
    match event {
        Event::Tick => tick(proactive, stop_at).await,
        Event::Notification(request) => plan(proactive, &request, stop_at).await,
    }
}

async fn plan(
    proactive: &Proactive,
    request: &BroadcastRequest,
    stop_at: Option<Timestamp>,
) -> Result<Value, Error> {
    let (id, notification) = (request.id.as_str(), request.spec.notification.name.as_str());
    let planned = async {
        proactive.open(&request.id, &request.spec).await?;
        proactive.advance(&request.id, stop_at).await
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
    let summary = proactive.tick(stop_at).await.inspect_err(|error| {
        error!(error = %error_chain(error), "could not move due timers");
    })?;
    // Separate steps: due timers do not wait for a broadcast, and a broadcast that fails does not stop them.
    proactive.advance_all(stop_at).await.inspect_err(|error| {
        error!(error = %error_chain(error), "could not advance the broadcasts");
    })?;
    let TickSummary { queued, kept, unreadable } = summary;
    if summary != TickSummary::default() {
        info!(queued, kept, unreadable, "moved due timers");
    }
    Ok(json!({ "queued": queued, "kept": kept, "unreadable": unreadable }))
}

/// Returns the time after which a tick starts nothing new; `None` where the function has no deadline.
fn stop_at(deadline_ms: u64) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline_ms).ok().filter(|deadline| *deadline > 0)?;
    Timestamp::from_millisecond(deadline).ok()?.checked_sub(SHUTDOWN_MARGIN).ok()
}
