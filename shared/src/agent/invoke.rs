//! Responses to an `invoke`, in the format its caller expects (docs/protocol.md §8.3).
//! `turn.activity.name` holds the name of the invoke.

use serde_json::{Value, json};

use crate::agent::response::Response;

/// Name of the invoke of a card's button (`Action.Execute`); respond with [`card`], [`message`], [`refused`] or
/// [`failed`].
pub const CARD_ACTION: &str = "adaptiveCard/action";

/// Name of the invoke of the feedback buttons; respond with [`accepted`].
pub const FEEDBACK: &str = "message/submitAction";

/// Returns a response that replaces the card whose button was pressed with `card`.
///
/// # Examples
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

/// Returns a response that rejects the button's request, with a reason.
#[must_use]
pub fn refused(reason: impl Into<String>) -> Response {
    to_card(400, ERROR, json!({ "code": "BadRequest", "message": reason.into() }))
}

/// Returns a response that reports a temporary failure; the button may be pressed again.
#[must_use]
pub fn failed(reason: impl Into<String>) -> Response {
    to_card(500, ERROR, json!({ "code": "InternalServerError", "message": reason.into() }))
}

/// Returns a response that accepts the invoke without content; a feedback invoke treats any body as a failure.
#[must_use]
pub fn accepted() -> Response {
    Response::invoke(200, json!({}))
}

const ERROR: &str = "application/vnd.microsoft.error";

/// Returns a response to a card invoke: the HTTP status is always 200, `status` is in the body.
fn to_card(status: u16, kind: &str, value: Value) -> Response {
    let mut body = json!({ "statusCode": status, "type": kind });
    body["value"] = value;
    Response::invoke(200, body)
}
