//! Schedules and the clock: fires a schedule now, and moves the clock forward.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald::clock::{Clock, SystemClock};
use herald::error::{BoxError, error_chain};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use proactive::event_handler;
use serde_json::{Value, json};
use tracing::error;

use super::Page;
use super::inspect::next_timer;
use super::response::done;
use crate::adjustable_clock::AdjustableClock;
use crate::aws_emulator::template::fire;

/// Timers at which the clock stops on its way.
const STOPS: u32 = 12;

/// Looks at the work that a stop starts, until it is done, and the time between them.
const LOOKS: u32 = 60;
const BETWEEN: Duration = Duration::from_millis(250);

/// Longest move of the clock.
const LONGEST: u64 = 31 * 24 * 3600;

/// Returns the schedules, each with its next run.
pub(super) fn schedules(page: &Page) -> Value {
    let now = page.parts.clock.now();
    let all = page.parts.stack.schedules().into_iter().map(|schedule| {
        json!({
            "name": schedule.name, "expression": schedule.expression(), "zone": schedule.zone(),
            "enabled": schedule.enabled, "next": schedule.next_after(now),
        })
    });
    all.collect()
}

/// Returns how many seconds the clock is ahead; null if it cannot be moved.
pub(super) fn offset(page: &Page) -> Value {
    let clock = page.parts.controls.clock.get();
    json!(clock.map(|clock| clock.offset().as_secs()))
}

/// Fires a schedule as if it were due now.
pub(super) async fn fire_now(page: &Page, name: &str) -> Response {
    let schedule = page.parts.stack.schedules().into_iter().find(|schedule| schedule.name == name);
    let Some(schedule) = schedule else { return StatusCode::NOT_FOUND.into_response() };
    let event = fire(&schedule, page.parts.clock.now());
    page.channel().note(&format!("Fired the schedule {name}."));
    match invoke(page, event).await {
        Ok(summary) => axum::Json(json!({ "summary": summary })).into_response(),
        Err(error) => failed(error.as_ref()),
    }
}

/// Invokes `proactive`.
async fn invoke(page: &Page, event: Value) -> Result<Value, lambda_runtime::Error> {
    let event = LambdaEvent::new(event, Context::default());
    // Boxed: the future of an event is large.
    Box::pin(event_handler::handle(&page.parts.functions.proactive, event)).await
}

/// Moves the clock forward. It stops at durable timers on the way, so that what they start does not come days late: a job
/// expires a day after its time.
pub(super) async fn advance(page: &Page, seconds: u64) -> Response {
    let Some(clock) = page.parts.controls.clock.get() else { return StatusCode::CONFLICT.into_response() };
    if !(1..=LONGEST).contains(&seconds) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let _moving = page.parts.controls.moving.lock().await;
    let target = page.parts.clock.now() + Duration::from_secs(seconds);
    for _ in 0..STOPS {
        let Some(due) = next_timer(page).await.filter(|due| *due < target) else { break };
        if let Err(error) = move_to(page, clock, due).await {
            return failed(error.as_ref());
        }
        settle(page).await;
    }
    let moved = move_to(page, clock, target).await;
    page.channel().note(&format!("Moved the clock forward to {target:.0}."));
    moved.map_or_else(|error| failed(error.as_ref()), |()| done())
}

/// Waits until the timers that are due were fired and no message waits for a worker, at most 15 s.
async fn settle(page: &Page) {
    let mut quiet = 0;
    // The next tick of the schedule may be a minute away. After days this takes a while: it reads every minute of them.
    if let Err(error) = invoke(page, json!({ "version": 1, "tick": true })).await {
        error!(error = %error_chain(error.as_ref()), "could not tick after the clock was moved");
    }
    for _ in 0..LOOKS {
        SystemClock.sleep(BETWEEN).await;
        let is_fired = next_timer(page).await.is_none_or(|due| due > page.parts.clock.now());
        quiet = if is_fired && !page.parts.stack.has_visible_messages() { quiet + 1 } else { 0 };
        if quiet == 2 {
            return;
        }
    }
}

/// Moves the clock to `moment`; messages whose delay ends by that become visible.
async fn move_to(page: &Page, clock: &AdjustableClock, moment: Timestamp) -> Result<(), BoxError> {
    let before = page.parts.clock.now();
    // A second more, for the offset has no fractions.
    let by = Duration::try_from(moment.duration_since(before)).unwrap_or_default() + Duration::from_secs(1);
    clock.advance(by)?;
    page.parts.stack.release(before, page.parts.clock.now()).await?;
    Ok(())
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    (StatusCode::BAD_GATEWAY, error_chain(error).to_string()).into_response()
}
