//! Why an activity did not reach its channel, and whether it may be sent again (docs/protocol.md §1.8).
//! What becomes of the job is decided in [`crate::jobs`].

mod rejection;

use std::time::Duration;

pub use self::rejection::{Fallback, ReferenceChange, RejectionReason};
use crate::error::BoxError;

/// How long until it is worth asking again a channel that does not take the agent's tokens: somebody has to repair it.
const REPAIR: Duration = Duration::from_secs(300);

/// Why an activity did not reach its channel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The channel is throttling this agent.
    #[error("channel asked to slow down")]
    Throttled {
        /// What its `Retry-After` said.
        retry_after: Option<Duration>,
    },
    /// Another operation on the conversation is under way (412).
    #[error("conversation is busy")]
    Busy,
    /// The channel takes no token of the agent, not even a new one (401). Nothing was shown.
    #[error(
        "channel answered 401 ({}): it does not take the agent's token; check its registration with the channel, its \
         credential and its tenant",
        code.as_deref().unwrap_or("no code")
    )]
    Unauthorized {
        /// The channel's own word for it, e.g. `BotNotRegistered`.
        code: Option<String>,
    },
    /// The channel understood the request and refused it for good: any other 4xx, or a redirect.
    #[error("channel answered {status} ({}): {reason}", code.as_deref().unwrap_or("no code"))]
    Rejected {
        /// HTTP status of the answer.
        status: u16,
        /// The channel's own word for it, e.g. `BadSyntax`.
        code: Option<String>,
        /// What that means.
        reason: RejectionReason,
    },
    /// The service URL is not on one of the cloud's connector hosts; nothing was sent.
    #[error("service URL is not on a connector host of this cloud")]
    ForeignHost,
    /// The request never left: connect, name or TLS failure.
    #[error("could not reach the channel")]
    NotSent(#[source] BoxError),
    /// No token was issued to the agent; the request never left.
    #[error("could not reach the channel")]
    NoToken {
        /// Whether every request of this agent fails so until its configuration is corrected.
        is_systemic: bool,
        /// Why.
        #[source]
        cause: BoxError,
    },
    /// The request left and no readable answer came, or 408 or 5xx: it may have been shown.
    #[error("channel's answer was lost")]
    Ambiguous {
        /// What hid the answer.
        loss: Ambiguity,
        /// Its cause.
        #[source]
        cause: BoxError,
    },
}

/// When, if ever, the same activity could get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After this time.
    After(Duration),
    /// After a growing, random time.
    Backoff,
    /// At once or later, as long as the resend budget lasts: it may have been shown.
    WithinResendBudget(Ambiguity),
    /// Never.
    Never,
}

impl ConnectorError {
    /// When, if ever, the same activity could get through.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Throttled { retry_after: Some(wait) } => Retry::After(*wait),
            Self::Unauthorized { .. } => Retry::After(REPAIR),
            Self::Throttled { retry_after: None } | Self::Busy | Self::NotSent(_) | Self::NoToken { .. } => {
                Retry::Backoff
            }
            Self::Ambiguous { loss, .. } => Retry::WithinResendBudget(*loss),
            Self::Rejected { .. } | Self::ForeignHost => Retry::Never,
        }
    }

    /// Why the channel refused for good, where it did.
    #[must_use]
    pub fn rejection(&self) -> Option<RejectionReason> {
        match self {
            Self::Rejected { reason, .. } => Some(*reason),
            Self::Throttled { .. }
            | Self::Busy
            | Self::Unauthorized { .. }
            | Self::ForeignHost
            | Self::NotSent(_)
            | Self::NoToken { .. }
            | Self::Ambiguous { .. } => None,
        }
    }

    /// Whether the channel says that it is on another host: nothing was shown, and the same may be asked there.
    #[must_use]
    pub fn is_wrong_host(&self) -> bool {
        self.rejection().map(RejectionReason::fallback) == Some(Fallback::OtherHost)
    }

    pub(crate) fn not_sent(cause: impl Into<BoxError>) -> Self {
        Self::NotSent(cause.into())
    }

    pub(crate) fn ambiguous(cause: impl Into<BoxError>) -> Self {
        Self::Ambiguous { loss: Ambiguity::LostReply, cause: cause.into() }
    }

    /// Whether every request of this agent fails so until its registration or configuration is corrected.
    #[must_use]
    pub fn is_systemic(&self) -> bool {
        match self {
            Self::Unauthorized { .. } => true,
            Self::NoToken { is_systemic, .. } => *is_systemic,
            Self::Throttled { .. }
            | Self::Busy
            | Self::Rejected { .. }
            | Self::ForeignHost
            | Self::NotSent(_)
            | Self::Ambiguous { .. } => false,
        }
    }
}

/// What hid the outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguity {
    /// No readable reply arrived: the connection broke, the time ran out, or the worker died.
    LostReply,
    /// The channel's gateway answered 502, 503 or 504.
    GatewayError,
}
