//! Answers to an `invoke`, in the words its caller understands (protocol §8.3).
//! What is done besides is said with [`Outcome::and`]; who calls what is the engine's to look up in `turn.activity.name`.

use serde_json::{Value, json};

use crate::agent::engine::Outcome;

/// The name of the invoke of a card's button (`Action.Execute`): answer it with [`card`], [`message`], [`refused`] or
/// [`failed`].
pub const CARD_ACTION: &str = "adaptiveCard/action";

/// The name of the invoke of the feedback buttons: answer it with [`accepted`].
pub const FEEDBACK: &str = "message/submitAction";

/// Shows `card` in place of the one whose button was pressed.
///
/// ```
/// use herald::agent::engine::Outcome;
/// use herald::agent::invoke;
/// use serde_json::json;
///
/// let answer = invoke::card(json!({ "type": "AdaptiveCard", "version": "1.5", "body": [] }));
/// # let Outcome::Invoke { status, body } = answer else { panic!() };
/// # assert_eq!((status, body["type"].as_str()), (200, Some("application/vnd.microsoft.card.adaptive")));
/// ```
#[must_use]
pub fn card(card: Value) -> Outcome {
    to_card(200, "application/vnd.microsoft.card.adaptive", card)
}

/// Shows `text` for a moment, and leaves the card as it is.
#[must_use]
pub fn message(text: impl Into<String>) -> Outcome {
    to_card(200, "application/vnd.microsoft.activity.message", Value::String(text.into()))
}

/// Says that what the button asks for cannot be done, and why.
#[must_use]
pub fn refused(why: impl Into<String>) -> Outcome {
    to_card(400, ERROR, json!({ "code": "BadRequest", "message": why.into() }))
}

/// Says that it did not work, and could when pressed again.
#[must_use]
pub fn failed(why: impl Into<String>) -> Outcome {
    to_card(500, ERROR, json!({ "code": "InternalServerError", "message": why.into() }))
}

/// Takes it, and has nothing to say. Anything in the body would be taken for a failure of a feedback.
#[must_use]
pub fn accepted() -> Outcome {
    Outcome::Invoke { status: 200, body: json!({}) }
}

const ERROR: &str = "application/vnd.microsoft.error";

/// The outer status is 200 whatever the inner one is.
fn to_card(status: u16, kind: &str, value: Value) -> Outcome {
    let mut body = json!({ "statusCode": status, "type": kind });
    body["value"] = value;
    Outcome::Invoke { status: 200, body }
}
