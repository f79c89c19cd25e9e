//! Error of a request to AWS, reduced to its error code.
//!
//! The message is dropped because it names accounts and roles, and the SDK error because it holds the response, which may
//! contain a secret.

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::error::BoxError;

/// Error of a request to AWS.
#[derive(Debug, thiserror::Error)]
pub enum AwsFailure {
    /// The service rejected the request.
    #[error("AWS rejected the request: {code}")]
    Rejected {
        /// Error code of the service, e.g. `AccessDenied`.
        code: String,
    },
    /// The response could not be decoded, or lacks the requested value.
    #[error("AWS returned an unusable response")]
    Unreadable,
    /// No request was sent, or no response received: no network, no region, no AWS credentials.
    #[error("could not reach AWS")]
    NotReached(#[source] BoxError),
}

impl AwsFailure {
    /// Returns the failure for an error of the SDK.
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
            Some(error) => Self::Rejected { code: plausible_code(error.code().unwrap_or("no code")) },
            None => Self::NotReached(error.into()),
        }
    }
}

/// Returns the characters of `code` that an AWS error code may have, so that no other text is logged.
fn plausible_code(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || ".:_ ".contains(*c)).take(64).collect()
}
