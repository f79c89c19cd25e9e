//! Why an activity is rejected; [`crate::http_handler`] maps each reason to an HTTP status.

use herald::channel::auth::Check;

use crate::work_queue::EnqueueError;

/// Why an authenticated activity is rejected.
pub(crate) enum Rejection {
    /// It cannot be read; holds what is wrong.
    Malformed(String),
    /// The token was issued for another service URL.
    TokenMismatch,
    /// The policy forbids it; holds which rule.
    Forbidden(String),
    /// It does not fit into the queue.
    TooLarge,
    /// It could not be stored; the channel sends it again.
    Unavailable,
}

impl Rejection {
    /// Returns the rejection of an activity that fails `check` of its format.
    pub(crate) fn malformed(check: Check) -> Self {
        Self::Malformed(check.reason().to_owned())
    }

    /// Returns the rejection of an activity that fails `check` of the policy.
    pub(crate) fn forbidden(check: Check) -> Self {
        Self::Forbidden(check.reason().to_owned())
    }
}

impl From<EnqueueError> for Rejection {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::TooLarge => Self::TooLarge,
            EnqueueError::Unavailable => Self::Unavailable,
        }
    }
}
