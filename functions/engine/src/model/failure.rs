//! Failures of the language model: the cause for the operator, and the message that the user gets for each.
//! A failed request is not retried: the user can ask again.

use std::fmt;

use herald::error::BoxError;
use serde_json::Value;

/// Why the language model returned no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFailure {
    /// The server could not be reached.
    #[error("the model's server could not be reached; check MODEL_BASE_URL")]
    Unreachable(#[source] reqwest::Error),
    /// The API key could not be read from Secrets Manager.
    #[error("the model's key could not be read; check MODEL_API_KEY_ARN and the permissions of the role")]
    NoKey(#[source] BoxError),
    /// The server rejected the API key: 401 or 403.
    #[error("the model's server answered {status}{message}; check MODEL_API_KEY")]
    Unauthorized {
        /// HTTP status of the response.
        status: u16,
        /// Message of the server.
        message: ServerMessage,
    },
    /// The server does not know the path or the model: 404, 405, 410 or a redirect.
    #[error("the model's server answered {status}{message}; check MODEL_BASE_URL and MODEL_NAME")]
    NotFound {
        /// HTTP status of the response.
        status: u16,
        /// Message of the server.
        message: ServerMessage,
    },
    /// A rate limit or a quota of the server is exceeded: 402 or 429.
    #[error("the model's server answered {status}{message}: rate limit or quota exceeded")]
    RateLimited {
        /// HTTP status of the response.
        status: u16,
        /// Message of the server.
        message: ServerMessage,
    },
    /// The server failed: 5xx.
    #[error("the model's server answered {status}{message}")]
    Failed {
        /// HTTP status of the response.
        status: u16,
        /// Message of the server.
        message: ServerMessage,
    },
    /// The server sent an error instead of the rest of the answer.
    #[error("the model's server failed during the answer{message}")]
    FailedInAnswer {
        /// Message of the server.
        message: ServerMessage,
    },
    /// The server rejected the request: any other status.
    #[error("the model's server answered {status}{message}")]
    Rejected {
        /// HTTP status of the response.
        status: u16,
        /// Message of the server.
        message: ServerMessage,
    },
    /// No token arrived within the time limit.
    #[error("the model exceeded its time limit")]
    TimedOut,
    /// The connection closed before the answer was complete.
    #[error("the connection to the model's server closed within the answer")]
    CutOff(#[source] Option<reqwest::Error>),
    /// The response is not one of an OpenAI-compatible server.
    #[error(
        "the model's answer could not be read: {0}; is MODEL_BASE_URL that of an OpenAI-compatible server?"
    )]
    Unreadable(&'static str),
    /// The answer is empty.
    #[error("the model's answer is empty{}", if *.has_reasoning { ": it has only reasoning" } else { "" })]
    Empty {
        /// Whether the model sent reasoning.
        has_reasoning: bool,
    },
    /// The answer calls a tool; the model is given none.
    #[error("the model called a tool, and it is given none")]
    ToolCall,
    /// The server ended the answer at its limit of tokens: `finish_reason` is `length`.
    #[error("the model's answer was cut off at the limit of tokens of its server")]
    TokenLimit,
    /// The server ended the answer by its content filter.
    #[error("the content filter of the model's server ended the answer")]
    ContentFilter,
    /// The answer exceeds the maximum length of an answer.
    #[error("the model's answer was cut off at {} characters, the maximum of an answer", super::MAX_ANSWER)]
    TooLong,
}

/// Maximum length of a server's message in the log, in characters.
const MAX_MESSAGE: usize = 300;

/// Message of a server about an error, safe for the log: one bounded line without the API key. Displayed with a
/// separator in front; empty if the server sent none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerMessage(Option<String>);

impl ServerMessage {
    /// Returns the message in `error`, the member of that name in a response or the response itself.
    pub(super) fn of(error: &Value) -> Self {
        let members = ["message", "error", "detail", "code", "type"];
        let text = match error {
            Value::String(text) => Some(text.as_str()),
            Value::Object(_) => members.iter().find_map(|member| error[member].as_str()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        };
        let text = text.map(|text| {
            let parts = text.split(|c: char| c.is_whitespace() || c.is_control());
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            parts.join(" ").chars().take(MAX_MESSAGE).collect::<String>()
        });
        Self(text.filter(|text| !text.is_empty()))
    }

    /// Returns the message in the body of a response: JSON, with or without a member `error`.
    pub(super) fn of_body(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let error = body.get("error").filter(|error| !error.is_null());
        Self::of(error.unwrap_or(&body))
    }

    /// Replaces `secret`, which a server may repeat.
    fn without(self, secret: &str) -> Self {
        let secret = secret.trim();
        Self(self.0.map(|text| if secret.is_empty() { text } else { text.replace(secret, "…") }))
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |text| write!(f, " (“{text}”)"))
    }
}

impl ModelFailure {
    /// Returns the failure for an error of the HTTP client.
    pub(super) fn from_reqwest(error: reqwest::Error) -> Self {
        let (is_connect, error) = (error.is_connect() || error.is_request(), error.without_url());
        if is_connect { Self::Unreachable(error) } else { Self::CutOff(Some(error)) }
    }

    /// Returns the failure for an HTTP status that is no success, with the `message` of the server.
    pub(super) fn from_status(status: u16, message: ServerMessage) -> Self {
        match status {
            401 | 403 => Self::Unauthorized { status, message },
            300..=399 | 404 | 405 | 410 => Self::NotFound { status, message },
            402 | 429 => Self::RateLimited { status, message },
            500..=599 => Self::Failed { status, message },
            _ => Self::Rejected { status, message },
        }
    }

    /// Removes `secret` from the message of the server.
    pub(super) fn without(self, secret: &str) -> Self {
        match self {
            Self::Unauthorized { status, message } => {
                Self::Unauthorized { status, message: message.without(secret) }
            }
            Self::NotFound { status, message } => Self::NotFound { status, message: message.without(secret) },
            Self::RateLimited { status, message } => {
                Self::RateLimited { status, message: message.without(secret) }
            }
            Self::Failed { status, message } => Self::Failed { status, message: message.without(secret) },
            Self::FailedInAnswer { message } => Self::FailedInAnswer { message: message.without(secret) },
            Self::Rejected { status, message } => Self::Rejected { status, message: message.without(secret) },
            other @ (Self::Unreachable(_)
            | Self::NoKey(_)
            | Self::TimedOut
            | Self::CutOff(_)
            | Self::Unreadable(_)
            | Self::Empty { .. }
            | Self::ToolCall
            | Self::TokenLimit
            | Self::ContentFilter
            | Self::TooLong) => other,
        }
    }

    /// Whether the answer is right as far as it goes, and only too long.
    #[must_use]
    pub fn is_truncation(&self) -> bool {
        matches!(self, Self::TokenLimit | Self::TooLong)
    }

    /// Returns the message for the user, sent instead of an answer or after the part that arrived.
    #[must_use]
    pub fn user_message(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => {
                "I can't reach my language model right now. Please try again in a few minutes."
            }
            Self::NoKey(_) | Self::Unauthorized { .. } => {
                "I can't reach my language model: its key was rejected. Please tell the administrator."
            }
            Self::NotFound { .. } => {
                "I can't find my language model: its address or name is wrong. Please tell the administrator."
            }
            Self::RateLimited { .. } => {
                "My language model is over its rate limit. Please try again in a minute."
            }
            Self::Failed { .. } | Self::FailedInAnswer { .. } => {
                "My language model reported an error. Please try again in a few minutes."
            }
            Self::Rejected { .. } => "My language model rejected that question. Please rephrase it.",
            Self::TimedOut => "My language model stopped responding. Please try again in a few minutes.",
            Self::CutOff(_) => "The connection to my language model was lost. Please ask again.",
            Self::Unreadable(_) => {
                "I can't read the response of my language model. Please tell the administrator."
            }
            Self::Empty { .. } => {
                "My language model returned an empty answer. Please rephrase your question."
            }
            Self::ToolCall => {
                "My language model tried to use a tool, and it has none here. Please rephrase your question."
            }
            Self::TokenLimit => {
                "My language model reached its length limit. Please ask for a shorter answer."
            }
            Self::ContentFilter => {
                "The content filter of my language model stopped the answer. Please rephrase your question."
            }
            Self::TooLong => "The answer is too long for one message. Please ask for a part of it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_message_is_one_bounded_line_without_the_key() {
        let of = |body: &str| ServerMessage::of_body(body.as_bytes()).without("hush").to_string();
        for (body, expected) in [
            (r#"{"error":{"message":"model `x`\n not found","code":"m"}}"#, " (“model `x` not found”)"),
            (r#"{"error":"out of memory"}"#, " (“out of memory”)"),
            (r#"{"detail":"Not Found"}"#, " (“Not Found”)"),
            (r#"{"message":"wrong key hush"}"#, " (“wrong key …”)"),
            ("<html>hush</html>", ""),
            (r#"{"error":{"param":1}}"#, ""),
        ] {
            assert_eq!(of(body), expected, "{body}");
        }
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(2 * MAX_MESSAGE));
        assert!(of(&long).chars().count() < MAX_MESSAGE + 10);
    }
}
