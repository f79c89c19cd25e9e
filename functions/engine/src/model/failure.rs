//! Why a model gave no answer, or not all of it, and what the user is told of that.
//! Nothing is tried again: the user asks again if they still want to know.

use herald::error::BoxError;

/// Why a model gave no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFailure {
    /// Its server was not reached.
    #[error("the model's server could not be reached; check MODEL_BASE_URL")]
    Unreachable(#[source] reqwest::Error),
    /// Its key could not be read.
    #[error("the model's key could not be read; check MODEL_API_KEY_ARN and the role's right to read it")]
    NoKey(#[source] BoxError),
    /// 401 or 403.
    #[error("the model's server answered {status}; check MODEL_API_KEY")]
    NotAdmitted {
        /// HTTP status of the answer.
        status: u16,
    },
    /// 404.
    #[error("the model's server answered 404; check MODEL_BASE_URL and MODEL_NAME")]
    NotThere,
    /// 429.
    #[error("the model's server answered 429: too many questions, or none left to spend")]
    Busy,
    /// 5xx, or an error in place of the rest of the answer.
    #[error("the model's server failed")]
    Failed {
        /// HTTP status of the answer; none for an error in the midst of it.
        status: Option<u16>,
    },
    /// Any other status.
    #[error("the model's server answered {status}")]
    Rejected {
        /// HTTP status of the answer.
        status: u16,
    },
    /// It did not begin, or stopped, within its time.
    #[error("the model was silent for too long")]
    Silent,
    /// The answer ended before its end.
    #[error("the model's answer was cut off")]
    CutOff,
    /// The answer is not what such a server sends.
    #[error("the model's answer could not be read; is MODEL_BASE_URL that of an OpenAI-compatible server?")]
    Unreadable,
    /// The answer is empty.
    #[error("the model's answer is empty")]
    Nothing,
}

impl ModelFailure {
    /// What a failed request says of the model.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let (is_connect, error) = (error.is_connect() || error.is_request(), error.without_url());
        if is_connect { Self::Unreachable(error) } else { Self::CutOff }
    }

    /// What a status says of it; nothing where it is well.
    pub(super) fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => return None,
            401 | 403 => Self::NotAdmitted { status },
            404 => Self::NotThere,
            429 => Self::Busy,
            500..=599 => Self::Failed { status: Some(status) },
            _ => Self::Rejected { status },
        })
    }

    /// What the user is told in place of an answer, or at the end of the part that came.
    pub(crate) fn in_plain_words(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => {
                "I cannot reach my language model right now. Please try again in a few minutes."
            }
            Self::NoKey(_) | Self::NotAdmitted { .. } => {
                "My language model does not let me in. Whoever runs me has to look at its key."
            }
            Self::NotThere => {
                "My language model is not where I look for it. Whoever runs me has to correct that."
            }
            Self::Busy => "My language model is busy with others. Please try again in a minute.",
            Self::Failed { .. } => "My language model is having trouble. Please try again in a few minutes.",
            Self::Rejected { .. } => {
                "My language model would not take that question. Please put it another way."
            }
            Self::Silent => "My language model has stopped answering. Please try again in a few minutes.",
            Self::CutOff => "The connection to my language model broke off. Please ask again.",
            Self::Unreadable => "I do not understand my language model. Whoever runs me has to look into it.",
            Self::Nothing => "My language model had nothing to say to that. Please put it another way.",
        }
    }
}
