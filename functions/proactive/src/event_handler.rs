//! Handles an event: opens and plans a broadcast, queues a signal, or runs a tick, and returns a summary.
//! The types of the Lambda runtime are used in this file only.

use std::time::Duration;

use herald::aws::table::StoreError;
use herald::clock::timeout;
use herald::error::error_chain;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Map, Value, json};
use tracing::{error, info};

use crate::Proactive;
use crate::event::{BroadcastRequest, Event, SignalRequest};
use crate::timers::TickSummary;

/// Time before the function's end in which a tick starts nothing new.
const SHUTDOWN_MARGIN: SignedDuration = SignedDuration::from_secs(20);

/// Time before the function's end at which a tick drops what still runs.
const DROP_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Message of the log line of a failed step of a tick; the metric filter `TicksFailed` of the template counts it.
pub const TICK_FAILED: &str = "a step of the tick failed; the next tick repeats it";

/// Plans the broadcast of a notification, or moves due timers.
///
/// # Errors
///
/// When a notification is rejected or not completed: Lambda then repeats it, and finally sends it to the on-failure queue,
/// which has an alarm. A tick that fails is not an error: its summary names the failure.
pub async fn handle(proactive: &Proactive, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let deadline = Deadline::of(event.context.deadline);
    let event_id = event.context.request_id;
    let event = Event::read(event.payload, proactive.clock.now()).inspect_err(|error| {
        error!("rejected an event: {error}");
    })?;
    match event {
        Event::Signal(request) => signal(proactive, &request, event_id).await,
        Event::Tick => Ok(Box::pin(tick(proactive, deadline)).await),
        Event::Notification(request) => plan(proactive, &request, deadline.stop_at).await,
    }
}

/// Queues a signal. A repetition of the invocation has the same id, and so has the same EventBridge event.
async fn signal(proactive: &Proactive, request: &SignalRequest, request_id: String) -> Result<Value, Error> {
    let id = request.event_id.clone().or_else(|| Some(request_id).filter(|id| !id.is_empty()));
    let id = id.unwrap_or_else(|| proactive.random.random_id());
    let queued = Box::pin(proactive.signals.send(request, &id)).await;
    queued.inspect_err(
        |error| error!(error = %error_chain(error), signal.id = id, "could not queue a signal"),
    )?;
    info!(signal.id = id, "queued a signal");
    Ok(json!({ "signal": id, "queued": true }))
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

/// Moves due timers and advances the broadcasts. A failure is logged and named in the summary, and is no error of the
/// function: Lambda would repeat the tick and then make it a dead letter, while the next tick does the same work.
async fn tick(proactive: &Proactive, deadline: Deadline) -> Value {
    let mut failed = Map::new();
    // Separate steps: neither stops the other.
    let moved = deadline.limit(proactive, proactive.tick(deadline.stop_at)).await;
    let TickSummary { queued, kept, unreadable } = note(moved, "timers", &mut failed).unwrap_or_default();
    let advanced = deadline.limit(proactive, proactive.advance_all(deadline.stop_at)).await;
    note(advanced, "broadcasts", &mut failed);
    if queued > 0 || kept > 0 || unreadable > 0 {
        info!(queued, kept, unreadable, "moved due timers");
    }
    let mut summary = json!({ "queued": queued, "kept": kept, "unreadable": unreadable });
    if !failed.is_empty() {
        summary["failed"] = Value::Object(failed);
    }
    summary
}

/// Returns the result of a step of a tick; logs its failure and adds it to `failed`.
fn note<T>(
    result: Option<Result<T, StoreError>>,
    step: &'static str,
    failed: &mut Map<String, Value>,
) -> Option<T> {
    let cause = match result {
        Some(Ok(done)) => return Some(done),
        Some(Err(error)) => error_chain(&error).to_string(),
        None => "the time of the function ended".to_owned(),
    };
    error!(error = cause, step, "{TICK_FAILED}");
    failed.insert(step.to_owned(), cause.into());
    None
}

/// When an invocation has to end.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    /// Time after which nothing new is started; `None` where the function has no deadline.
    stop_at: Option<Timestamp>,
    /// Time at which what runs is dropped, so that Lambda does not end the function.
    drop_at: Option<Timestamp>,
}

impl Deadline {
    /// Reads the deadline of an invocation, in milliseconds since 1970; 0 where there is none.
    fn of(deadline_ms: u64) -> Self {
        let deadline = i64::try_from(deadline_ms).ok().filter(|deadline| *deadline > 0);
        let deadline = deadline.and_then(|deadline| Timestamp::from_millisecond(deadline).ok());
        let before = |margin| deadline.and_then(|deadline| deadline.checked_sub(margin).ok());
        Self { stop_at: before(SHUTDOWN_MARGIN), drop_at: before(DROP_MARGIN) }
    }

    /// Runs `work` until it is dropped; `None` then. Every step of a tick may be dropped, as by a crash.
    async fn limit<T>(self, proactive: &Proactive, work: impl Future<Output = T>) -> Option<T> {
        let Some(at) = self.drop_at else { return Some(work.await) };
        let left = Duration::try_from(at.duration_since(proactive.clock.now())).unwrap_or_default();
        timeout(proactive.clock.as_ref(), left, work).await
    }
}
