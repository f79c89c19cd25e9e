//! Responses to an `invoke`, in the format its caller expects (protocol §8.3).
//! `turn.activity.name` holds the name of the invoke.

use serde_json::{Value, json};

use crate::agent::response::Response;

/// The name of the invoke of a card's button (`Action.Execute`): answer it with [`card`], [`message`], [`refused`] or
/// [`failed`].
pub const CARD_ACTION: &str = "adaptiveCard/action";

/// The name of the invoke of the feedback buttons: answer it with [`accepted`].
pub const FEEDBACK: &str = "message/submitAction";

/// Returns a response that shows `card` in place of the one whose button was pressed.
///
/// ```
/// use herald::agent::{Outcome, invoke};
/// use serde_json::json;
///
/// let response = invoke::card(json!({ "type": "AdaptiveCard", "version": "1.5", "body": [] }));
/// # let Outcome::Invoke { status, body } = response.outcome else { panic!() };
/// # assert_eq!((status, body["type"].as_str()), (200, Some("application/vnd.microsoft.card.adaptive")));
/// ```
#[must_use]
pub fn card(card: Value) -> Response {
    to_card(200, "application/vnd.microsoft.card.adaptive", card)
}

/// Returns a response that shows `text` briefly and leaves the card unchanged.
#[must_use]
pub fn message(text: impl Into<String>) -> Response {
    to_card(200, "application/vnd.microsoft.activity.message", Value::String(text.into()))
}

/// Returns a response that rejects what the button requests, with the reason.
#[must_use]
pub fn refused(why: impl Into<String>) -> Response {
    to_card(400, ERROR, json!({ "code": "BadRequest", "message": why.into() }))
}

/// Returns a response that reports a failure which may succeed when the button is pressed again.
#[must_use]
pub fn failed(why: impl Into<String>) -> Response {
    to_card(500, ERROR, json!({ "code": "InternalServerError", "message": why.into() }))
}

/// Returns a response that accepts the invoke without content. A feedback invoke reads any body as a failure.
#[must_use]
pub fn accepted() -> Response {
    Response::invoke(200, json!({}))
}

const ERROR: &str = "application/vnd.microsoft.error";

/// The outer status is 200 whatever the inner one is.
fn to_card(status: u16, kind: &str, value: Value) -> Response {
    let mut body = json!({ "statusCode": status, "type": kind });
    body["value"] = value;
    Response::invoke(200, body)
}
