//! Schedules and the clock: fires a schedule now, and moves the clock forward.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald::error::error_chain;
use lambda_runtime::{Context, LambdaEvent};
use proactive::event_handler;
use serde_json::{Value, json};

use super::{Page, log};
use crate::aws_emulator::template::fire;

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
    // Boxed: the future of an event is large.
    let fired = Box::pin(event_handler::handle(
        &page.parts.functions.proactive,
        LambdaEvent::new(event, Context::default()),
    ));
    match fired.await {
        Ok(summary) => axum::Json(json!({ "summary": summary })).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error_chain(error.as_ref()).to_string()).into_response(),
    }
}

/// Moves the clock forward; messages whose delay ends by that become visible.
pub(super) async fn advance(page: &Page, seconds: u64) -> Response {
    let Some(clock) = page.parts.controls.clock.get() else { return StatusCode::CONFLICT.into_response() };
    if !(1..=LONGEST).contains(&seconds) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let before = page.parts.clock.now();
    let moved = clock.advance(Duration::from_secs(seconds));
    let after = page.parts.clock.now();
    page.channel().note(&format!("Moved the clock forward to {after:.0}."));
    if let Err(error) = moved {
        return (StatusCode::BAD_GATEWAY, error_chain(&error).to_string()).into_response();
    }
    match page.parts.stack.release(before, after).await {
        Ok(_) => log::done(),
        Err(error) => (StatusCode::BAD_GATEWAY, error_chain(&error).to_string()).into_response(),
    }
}
