//! The chat page of `herald run`: sends messages as one of the people, shows every activity, and injects faults.
//! It serves only browsers of this machine, under a loopback name and not to other sites.

mod act;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::channel_emulator::{Channel, Effect, TranscriptEntry};
use crate::own_origin::OwnOrigin;

const HTML: &str = include_str!("page/page.html");

/// Content security policy: the page loads nothing and connects only to its own origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The chat page of one channel.
#[derive(Debug, Clone)]
pub struct Page {
    channel: Channel,
    html: Arc<str>,
    own: OwnOrigin,
}

impl Page {
    /// Returns the page of `channel`, served at `port`, with a message to try first.
    #[must_use]
    pub fn new(channel: Channel, port: u16, suggestion: &str) -> Self {
        let html = HTML.replace("{{suggestion}}", &escaped(suggestion)).into();
        Self { channel, html, own: OwnOrigin::at(port) }
    }

    pub(super) fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/", get(show).fallback(async || StatusCode::NOT_FOUND))
            .route("/chat/log", get(log))
            .route("/chat/act", post(act::act))
            .route_layer(middleware::from_fn_with_state(self.clone(), require_own_origin))
            .with_state(self)
    }
}

async fn require_own_origin(State(page): State<Page>, request: Request, next: Next) -> Response {
    if page.own.admits(request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

async fn show(State(page): State<Page>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page.html.to_string()).into_response()
}

/// Text within an attribute of the page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// The number of entries of each log that the page has received.
#[derive(Deserialize)]
struct Received {
    #[serde(default)]
    delivered: usize,
    #[serde(default)]
    called: usize,
}

/// Returns the log entries that the page has not received yet.
async fn log(State(page): State<Page>, Query(received): Query<Received>) -> Json<Value> {
    let channel = &page.channel;
    let (delivered, delivered_in_all) = channel.delivered_since(received.delivered);
    let called = channel.entries();
    let people = channel.people().into_iter().map(|person| {
        let conversation = channel.personal_conversation(&person);
        json!({ "id": person.id, "name": person.name, "conversation": conversation })
    });
    Json(json!({
        "agent": channel.agent_id(),
        "people": people.collect::<Vec<_>>(),
        "faults": channel.pending_faults(),
        "delivered": delivered.iter().map(|one| json!({
            "at": one.at, "activity": one.activity, "status": one.status, "answer": one.answer,
        })).collect::<Vec<_>>(),
        "called": called.iter().skip(received.called).map(call).collect::<Vec<_>>(),
        "seen": { "delivered": delivered_in_all, "called": called.len() },
    }))
}

fn call(entry: &TranscriptEntry) -> Value {
    let effect = match entry.effect {
        Effect::Created => "created",
        Effect::Sent => "sent",
        Effect::Updated => "updated",
        Effect::Deleted => "deleted",
        Effect::Read => "read",
        Effect::Refused => "refused",
    };
    json!({
        "at": entry.at, "method": entry.method, "path": entry.path, "effect": effect, "status": entry.status,
        "conversation": entry.conversation, "activityId": entry.activity_id,
        "activity": entry.activity, "parameters": entry.parameters,
    })
}
