//! Error responses of the channel: a status, and a body in one of the shapes of docs/protocol.md §1.7.
//! The operations return them.

use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::response::{self, Response};

/// An error response.
///
/// ```
/// use local::channel_emulator::Refusal;
///
/// let throttled = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("7");
/// assert_eq!(throttled.status, 429);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The body; empty if there is none.
    pub body: String,
    /// Additional headers, e.g. `retry-after` or `location`; a name may occur twice.
    pub headers: Vec<(String, String)>,
}

impl Refusal {
    /// Returns a response in the standard shape: `{"error":{"code":…,"message":…}}`.
    #[must_use]
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self::raw(status, json!({ "error": { "code": code, "message": message } }).to_string())
    }

    /// Returns a response with any other body, e.g. the HTML of a gateway, or none.
    #[must_use]
    pub fn raw(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), headers: Vec::new() }
    }

    /// Adds `Retry-After`, in seconds or as an HTTP date.
    #[must_use]
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("retry-after", value)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns the response to an invalid token.
    pub(super) fn unauthorized() -> Self {
        Self::raw(401, json!({ "message": "Authorization has been denied for this request." }).to_string())
    }

    pub(super) fn not_in_roster() -> Self {
        Self::new(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
    }

    pub(super) fn conversation_not_found() -> Self {
        Self::new(404, "ConversationNotFound", "Conversation not found.")
    }

    pub(super) fn activity_not_found() -> Self {
        Self::new(404, "ActivityNotFoundInConversation", "The activity was not found in the conversation.")
    }

    pub(super) fn response(&self) -> Response {
        let content_type =
            if self.body.starts_with('{') { "application/json; charset=utf-8" } else { "text/html" };
        let mut response = match self.body.as_str() {
            "" => response::empty(self.status),
            body => response::text(self.status, content_type, body.to_owned()),
        };
        for (name, value) in &self.headers {
            let (name, value) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}
