//! How the channel says no: a status, and a body in one of the shapes of protocol §1.7.
//! When it says no is decided where the call is understood.

use http::{HeaderValue, header};
use serde_json::json;

use super::router::{self, Response};

/// One way of saying no.
///
/// ```
/// use cli::channel::Refusal;
///
/// let throttled = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("7");
/// assert_eq!(throttled.status, 429);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The body as sent; empty for none.
    pub body: String,
    /// Value of the `Retry-After` header.
    pub retry_after: Option<String>,
    /// Value of the `Location` header.
    pub location: Option<String>,
}

impl Refusal {
    /// The standard shape: `{"error":{"code":…,"message":…}}`.
    #[must_use]
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self::raw(status, json!({ "error": { "code": code, "message": message } }).to_string())
    }

    /// Any other shape: a gateway's HTML, the legacy nesting, or nothing at all.
    #[must_use]
    pub fn raw(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), retry_after: None, location: None }
    }

    /// Says when to come back, in seconds or as an HTTP date.
    #[must_use]
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        Self { retry_after: Some(value.into()), ..self }
    }

    /// Says where to go instead.
    #[must_use]
    pub fn location(self, url: impl Into<String>) -> Self {
        Self { location: Some(url.into()), ..self }
    }

    /// What the front end says to a token it does not like.
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
            "" => router::empty(self.status),
            body => router::text(self.status, content_type, body.to_owned()),
        };
        let headers = [(header::RETRY_AFTER, &self.retry_after), (header::LOCATION, &self.location)];
        for (name, value) in headers {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
