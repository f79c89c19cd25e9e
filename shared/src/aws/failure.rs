//! Why a request to AWS came to nothing, by AWS's code alone: its text names accounts and roles, and the SDK's error
//! keeps the answer, which may hold a secret.

use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::channel::http;
use crate::error::BoxError;

/// Why a request to AWS came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AwsFailure {
    /// The service refused it.
    #[error("AWS refused: {code}")]
    Refused {
        /// The service's word for why, e.g. `AccessDenied`.
        code: String,
    },
    /// What it answered is not what was asked for.
    #[error("AWS gave an answer that cannot be used")]
    Unreadable,
    /// No answer came, or no request left: no network, no region, no AWS credentials.
    #[error("AWS was not reached")]
    NotReached(#[source] BoxError),
}

impl AwsFailure {
    /// Why the SDK gave this error.
    #[must_use]
    pub fn of<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        if matches!(error, SdkError::ResponseError(_)) {
            return Self::Unreadable;
        }
        match error.as_service_error() {
            Some(refusal) => Self::Refused { code: word(refusal.code().unwrap_or("no code")) },
            None => Self::NotReached(error.into()),
        }
    }
}

/// How long such a request may take with its repetitions: every send waits for the one token.
pub(crate) fn timeout() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(http::TOTAL_TIMEOUT).build()
}

/// AWS's codes are words; whatever else came is not passed on.
fn word(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || ".:_ ".contains(*c)).take(64).collect()
}
