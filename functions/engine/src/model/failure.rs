//! Failures of the language model, and the message that the user gets for each.
//! A failed request is not retried: the user can ask again.

use herald::error::BoxError;

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
    #[error("the model's server answered {status}; check MODEL_API_KEY")]
    Unauthorized {
        /// HTTP status of the response.
        status: u16,
    },
    /// The server does not know the path or the model: 404.
    #[error("the model's server answered 404; check MODEL_BASE_URL and MODEL_NAME")]
    NotFound,
    /// A rate limit or a quota of the server is exceeded: 429.
    #[error("the model's server answered 429: rate limit or quota exceeded")]
    RateLimited,
    /// The server failed: 5xx, or an error event in the stream.
    #[error("the model's server failed")]
    Failed {
        /// HTTP status of the response; `None` for an error event.
        status: Option<u16>,
    },
    /// The server rejected the request: any other status.
    #[error("the model's server answered {status}")]
    Rejected {
        /// HTTP status of the response.
        status: u16,
    },
    /// No token arrived within the time limit.
    #[error("the model exceeded its time limit")]
    TimedOut,
    /// The connection closed before the answer was complete.
    #[error("the model's answer was cut off")]
    CutOff,
    /// The response is not one of an OpenAI-compatible server.
    #[error("the model's answer could not be read; is MODEL_BASE_URL that of an OpenAI-compatible server?")]
    Unreadable,
    /// The answer is empty.
    #[error("the model's answer is empty")]
    Empty,
}

impl ModelFailure {
    /// Returns the failure for an error of the HTTP client.
    pub(super) fn from_reqwest(error: reqwest::Error) -> Self {
        let (is_connect, error) = (error.is_connect() || error.is_request(), error.without_url());
        if is_connect { Self::Unreachable(error) } else { Self::CutOff }
    }

    /// Returns the failure for an HTTP status; `None` for a success.
    pub(super) fn from_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => return None,
            401 | 403 => Self::Unauthorized { status },
            404 => Self::NotFound,
            429 => Self::RateLimited,
            500..=599 => Self::Failed { status: Some(status) },
            _ => Self::Rejected { status },
        })
    }

    /// Returns the message for the user, sent instead of an answer or after the part that arrived.
    pub(crate) fn user_message(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => {
                "I can't reach my language model right now. Please try again in a few minutes."
            }
            Self::NoKey(_) | Self::Unauthorized { .. } => {
                "I can't reach my language model: its key was rejected. Please tell the administrator."
            }
            Self::NotFound => {
                "I can't find my language model: its address or name is wrong. Please tell the administrator."
            }
            Self::RateLimited => "My language model is over its rate limit. Please try again in a minute.",
            Self::Failed { .. } => "My language model reported an error. Please try again in a few minutes.",
            Self::Rejected { .. } => "My language model rejected that question. Please rephrase it.",
            Self::TimedOut => "My language model stopped responding. Please try again in a few minutes.",
            Self::CutOff => "The connection to my language model was lost. Please ask again.",
            Self::Unreadable => {
                "I can't read the response of my language model. Please tell the administrator."
            }
            Self::Empty => "My language model returned an empty answer. Please rephrase your question.",
        }
    }
}
