//! Errors of the connector, and whether a request may be retried (docs/protocol.md §1.8).
//! Does not decide about jobs; [`crate::jobs`] does.

mod body;
mod rejection;

use std::time::Duration;

pub(crate) use self::body::ErrorBody;
pub use self::rejection::{Fallback, ReferenceChange, RejectionReason};
use crate::error::BoxError;
use crate::protocol::team::Closed;

/// Delay before a retry after the channel rejected the agent's token, because an operator has to correct it.
const UNAUTHORIZED_DELAY: Duration = Duration::from_secs(300);

/// Why an activity did not reach its channel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The channel is throttling this agent.
    #[error("channel asked to slow down")]
    Throttled {
        /// Value of the `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// Another operation on the conversation is under way (412).
    #[error("conversation is busy")]
    Busy,
    /// The channel rejected the agent's token, even a new one (401). Nothing was shown.
    #[error(
        "channel answered 401 ({}): the agent's token was rejected; check its registration with the channel, its \
         credential and its tenant",
        code.as_deref().unwrap_or("no code")
    )]
    Unauthorized {
        /// Error code of the channel, e.g. `BotNotRegistered`.
        code: Option<String>,
    },
    /// The channel rejected the request permanently: any other 4xx, or a redirect.
    #[error("channel answered {status} ({}): {rejection}", code.as_deref().unwrap_or("no code"))]
    Rejected {
        /// HTTP status of the response.
        status: u16,
        /// Error code of the channel, e.g. `BadSyntax`.
        code: Option<String>,
        /// The reason, derived from status, code and message.
        rejection: RejectionReason,
    },
    /// The service URL is not on a connector host of the cloud; nothing was sent.
    #[error("service URL is not on a connector host of this cloud")]
    ForeignHost,
    /// The team or the channel of the conversation is closed; nothing was sent.
    #[error("the team or channel is {0}")]
    ClosedTeam(Closed),
    /// The request was not sent: the name, connection or TLS failed.
    #[error("could not reach the channel")]
    NotSent(#[source] BoxError),
    /// No token was issued to the agent; the request was not sent.
    #[error("could not reach the channel")]
    NoToken {
        /// Whether all requests of this agent fail until its configuration is corrected.
        is_systemic: bool,
        /// Value of the `Retry-After` header of the login service.
        retry_after: Option<Duration>,
        /// The error of the token request.
        #[source]
        cause: BoxError,
    },
    /// The request was sent without a readable response, or returned 408 or 5xx: it may have been shown.
    #[error("channel's answer was lost")]
    Ambiguous {
        /// Why the outcome is unknown.
        loss: Ambiguity,
        /// The underlying error.
        #[source]
        cause: BoxError,
    },
}

/// When a request may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After this delay.
    After(Duration),
    /// After an exponential backoff with jitter.
    Backoff,
    /// At any time within the resend budget, because the activity may have been shown.
    WithinResendBudget(Ambiguity),
    /// Never.
    Never,
}

impl ConnectorError {
    /// Returns when the request may be retried.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Throttled { retry_after: Some(wait) } | Self::NoToken { retry_after: Some(wait), .. } => {
                Retry::After(*wait)
            }
            Self::Unauthorized { .. } => Retry::After(UNAUTHORIZED_DELAY),
            Self::Throttled { retry_after: None }
            | Self::Busy
            | Self::NotSent(_)
            | Self::NoToken { retry_after: None, .. } => Retry::Backoff,
            Self::Ambiguous { loss, .. } => Retry::WithinResendBudget(*loss),
            Self::Rejected { .. } | Self::ForeignHost | Self::ClosedTeam(_) => Retry::Never,
        }
    }

    /// Returns why the channel rejected the request; `None` for other errors.
    #[must_use]
    pub fn rejection(&self) -> Option<RejectionReason> {
        match self {
            Self::Rejected { rejection, .. } => Some(*rejection),
            Self::Throttled { .. }
            | Self::Busy
            | Self::Unauthorized { .. }
            | Self::ForeignHost
            | Self::ClosedTeam(_)
            | Self::NotSent(_)
            | Self::NoToken { .. }
            | Self::Ambiguous { .. } => None,
        }
    }

    /// Whether the channel answered the request, other than with 408 or 5xx.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Busy | Self::Unauthorized { .. } | Self::Rejected { .. } => true,
            Self::ForeignHost
            | Self::ClosedTeam(_)
            | Self::NotSent(_)
            | Self::NoToken { .. }
            | Self::Ambiguous { .. } => false,
        }
    }

    /// Whether the conversation is on another host or in another region: nothing was shown, and the request may be sent
    /// there.
    #[must_use]
    pub fn is_wrong_host(&self) -> bool {
        self.rejection().map(RejectionReason::fallback) == Some(Fallback::OtherUrl)
    }

    pub(crate) fn not_sent(cause: impl Into<BoxError>) -> Self {
        Self::NotSent(cause.into())
    }

    pub(crate) fn ambiguous(cause: impl Into<BoxError>) -> Self {
        Self::Ambiguous { loss: Ambiguity::LostReply, cause: cause.into() }
    }

    /// Whether all requests of this agent fail until its registration or configuration is corrected.
    #[must_use]
    pub fn is_systemic(&self) -> bool {
        match self {
            Self::Unauthorized { .. } => true,
            Self::NoToken { is_systemic, .. } => *is_systemic,
            Self::Throttled { .. }
            | Self::Busy
            | Self::Rejected { .. }
            | Self::ForeignHost
            | Self::ClosedTeam(_)
            | Self::NotSent(_)
            | Self::Ambiguous { .. } => false,
        }
    }
}

/// Why the outcome of a request is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguity {
    /// No readable reply arrived: the connection broke, timed out, or the worker crashed.
    LostReply,
    /// The channel's gateway answered 502, 503 or 504.
    GatewayError,
}
