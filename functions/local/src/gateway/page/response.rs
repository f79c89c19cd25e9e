//! The responses to actions of the page.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald::error::error_chain;
use serde_json::json;

use crate::channel_emulator::{Answer, ChannelError};

/// Returns an empty success.
pub(super) fn done() -> Response {
    Json(json!({})).into_response()
}

/// Returns the answer of the agent.
pub(super) fn respond(answer: Result<Answer, ChannelError>) -> Response {
    match answer {
        Ok(answer) => Json(json!({ "status": answer.status, "body": answer.json() })).into_response(),
        Err(ChannelError::NoDelivery) => not_found(),
        Err(error) => (StatusCode::BAD_GATEWAY, error_chain(&error).to_string()).into_response(),
    }
}

/// Returns the response to an action on something that does not exist.
pub(super) fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
