//! What the page has not received yet: exchanges, and the people and settings when they changed. A request waits until there
//! is something new, so that an idle page asks four times a minute.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use herald::clock::{SystemClock, timeout};
use herald::hash;
use serde::Deserialize;
use serde_json::{Value, json};

use super::message::known;
use super::{Page, faults, time};
use crate::channel_emulator::Exchange;

/// Exchanges in one answer.
const MOST: usize = 300;

/// Times that a request looks for changes before it is answered without one, and the time between them.
const LOOKS: u32 = 15;
const BETWEEN: Duration = Duration::from_secs(1);

/// What the page has.
#[derive(Deserialize)]
pub(super) struct Received {
    /// The number of its latest exchange.
    #[serde(default)]
    after: u64,
    /// The hash of its settings.
    #[serde(default)]
    settings: String,
    /// The process that it knows.
    #[serde(default)]
    epoch: String,
}

/// Earlier exchanges of a conversation.
#[derive(Deserialize)]
pub(super) struct Earlier {
    before: u64,
    conversation: String,
}

/// Returns what is new.
pub(super) async fn log(State(page): State<Page>, Query(received): Query<Received>) -> Response {
    let channel = page.channel();
    let is_same = *received.epoch == *page.epoch;
    let mut last = channel.last_exchange();
    for _ in 0..LOOKS {
        let settings = settings(&page).to_string();
        let hash = hash::short(&settings);
        let exchanges = channel.exchanges_after(received.after, MOST);
        if exchanges.is_empty() && is_same && hash == received.settings {
            // The system's clock: that of the bundle may be moved, and a test's does not run.
            let arrives = last.wait_for(|number| *number > received.after);
            drop(timeout(&SystemClock, BETWEEN, arrives).await);
            continue;
        }
        let settings = if is_same && hash == received.settings { "null".to_owned() } else { settings };
        return body(&page, &hash, &settings, &exchanges);
    }
    body(&page, &received.settings, "null", &[])
}

/// Returns the exchanges of a conversation before one, oldest first.
pub(super) async fn earlier(State(page): State<Page>, Query(earlier): Query<Earlier>) -> Response {
    let found = page.channel().exchanges_before(earlier.before, &earlier.conversation, MOST);
    body(&page, "", "null", &found)
}

/// Returns the response; exchanges are JSON already.
fn body(page: &Page, hash: &str, settings: &str, exchanges: &[Exchange]) -> Response {
    let list: Vec<&str> = exchanges.iter().map(|exchange| &*exchange.json).collect();
    let head = json!({
        "epoch": &*page.epoch,
        "now": page.parts.clock.now(),
        "hash": hash,
        "first": exchanges.first().map(|exchange| exchange.number),
    });
    let head = head.to_string();
    let head = head.trim_end_matches('}');
    let text = format!("{head},\"settings\":{settings},\"exchanges\":[{}]}}", list.join(","));
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

/// Returns people, conversations and settings.
fn settings(page: &Page) -> Value {
    let channel = page.channel();
    let mut settings = channel.overview();
    let people = settings["people"].as_array().into_iter().flatten();
    let is_new = |person: &&Value| person["conversations"].as_array().is_none_or(Vec::is_empty);
    let new: Vec<_> =
        people.filter(is_new).filter_map(|person| known(page, person["id"].as_str()?)).collect();
    if !new.is_empty() {
        for person in &new {
            channel.personal_conversation(person);
        }
        settings = channel.overview();
    }
    settings["agent"] = json!({ "id": channel.agent_id(), "name": "Herald" });
    settings["endpoint"] = json!(channel.endpoint());
    settings["origin"] = json!(channel.origin());
    settings["suggestion"] = json!(page.parts.suggestion);
    settings["faults"] = json!(faults::list());
    settings["pending"] = json!(channel.pending_faults());
    settings["schedules"] = time::schedules(page);
    settings["clockOffset"] = time::offset(page);
    settings["canKill"] = json!(page.parts.controls.workers.is_running());
    settings
}
