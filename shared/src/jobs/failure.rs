//! Failures of attempts and jobs as values, for reports, circuit breaker and streams; `Display` is for operators.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocol::channel_error::{Ambiguity, ConnectorError, RejectionReason};
use crate::protocol::team::Closed;

/// Reason why an attempt or a job was not sent.
///
/// # Examples
///
/// ```
/// use herald::jobs::{Failure, FailureKind};
///
/// let failure = Failure::new(FailureKind::NoToken).with_detail("the client secret has expired");
///
/// assert_eq!(failure.to_string(), "the client secret has expired");
/// assert_eq!(Failure::from(FailureKind::Throttled).to_string(), "channel asked to slow down");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Kind of failure.
    pub kind: FailureKind,
    /// Error code of the service, e.g. `BotNotInConversationRoster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether every send of this agent fails so until its registration or configuration is corrected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub systemic: bool,
    /// Explanation for the operator, where kind, code and status are not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Kind of a [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The channel throttled the agent (429).
    Throttled,
    /// Another operation on the conversation was under way (412).
    Busy,
    /// The channel did not accept the agent's token (401).
    Unauthorized,
    /// No token was issued to the agent.
    NoToken,
    /// The service URL is not on a connector host of the cloud.
    ForeignHost,
    /// The team or the channel of the conversation is archived.
    TeamArchived,
    /// The team or the channel of the conversation is deleted.
    TeamDeleted,
    /// The request never left.
    NotSent,
    /// The channel rejected the request.
    Rejected(RejectionReason),
    /// The request may have been carried out: its reply was lost.
    LostReply,
    /// The request may have been carried out: the channel's gateway failed.
    GatewayError,
    /// The channel answers nothing, so that an ambiguous send is not repeated yet.
    ChannelUnavailable,
    /// The worker that held the lease died.
    WorkerDied,
    /// The sending worker died, and the send must not be repeated.
    SenderDied,
    /// The job was not started before it expired.
    Expired,
    /// The job may have been done, and was not repeated before it expired.
    NotRepeatedInTime,
    /// The job has no record, and is older than the last restore of the table.
    BeforeSendEpoch,
    /// An earlier attempt may have been delivered.
    EarlierAttempt,
    /// A part of the job will be retried.
    PartDelayed,
    /// The table could not be reached.
    TableUnavailable,
    /// The agent has no account on the channel.
    NoAgentAccount,
    /// The content could not be rendered for the recipient.
    Content,
    /// The engine returned an error.
    EngineError,
    /// The engine returned an error too often.
    EngineGaveUp,
    /// The engine declined the task.
    Declined,
    /// The user stopped the answer.
    StoppedByUser,
    /// The task continued more often than allowed.
    TooManySteps,
    /// The state for the next step is larger than allowed.
    StateTooLarge,
    /// The deadline of a wait is in the past or too far in the future.
    InvalidDeadline,
    /// Another task waits or waited for the signal.
    SignalTaken,
    /// An operator cancelled the job.
    CancelledByOperator,
    /// The user cancelled the job.
    CancelledByUser,
}

impl Failure {
    /// Returns the failure of this kind and nothing more.
    #[must_use]
    pub fn new(kind: FailureKind) -> Self {
        Self { kind, code: None, status: None, systemic: false, detail: None }
    }

    /// Returns the failure with an explanation for the operator.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Whether the channel rejected the request for this reason.
    #[must_use]
    pub fn is_rejection(&self, reason: RejectionReason) -> bool {
        self.kind == FailureKind::Rejected(reason)
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self::new(kind)
    }
}

impl From<Ambiguity> for FailureKind {
    fn from(ambiguity: Ambiguity) -> Self {
        match ambiguity {
            Ambiguity::LostReply => Self::LostReply,
            Ambiguity::GatewayError => Self::GatewayError,
        }
    }
}

impl From<&ConnectorError> for Failure {
    fn from(error: &ConnectorError) -> Self {
        let failure = match error {
            ConnectorError::Throttled { .. } => Self::new(FailureKind::Throttled),
            ConnectorError::Busy => Self::new(FailureKind::Busy),
            ConnectorError::Unauthorized { code } => {
                Self { code: code.clone(), status: Some(401), ..Self::new(FailureKind::Unauthorized) }
            }
            ConnectorError::Rejected { status, code, rejection } => Self {
                code: code.clone(),
                status: Some(*status),
                ..Self::new(FailureKind::Rejected(*rejection))
            },
            ConnectorError::ForeignHost => Self::new(FailureKind::ForeignHost),
            ConnectorError::ClosedTeam(Closed::Archived) => Self::new(FailureKind::TeamArchived),
            ConnectorError::ClosedTeam(Closed::Deleted) => Self::new(FailureKind::TeamDeleted),
            ConnectorError::NotSent(_) => Self::new(FailureKind::NotSent),
            ConnectorError::NoToken { is_systemic: true, cause, .. } => {
                Self::new(FailureKind::NoToken).with_detail(cause.to_string())
            }
            ConnectorError::NoToken { is_systemic: false, .. } => Self::new(FailureKind::NoToken),
            ConnectorError::Ambiguous { loss, .. } => Self::new((*loss).into()),
        };
        Self { systemic: error.is_systemic(), ..failure }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.systemic {
            f.write_str("authentication failed: ")?;
        }
        if let Some(detail) = &self.detail {
            return f.write_str(detail);
        }
        let code = self.code.as_deref().unwrap_or("no code");
        match self.kind {
            FailureKind::Rejected(reason) => {
                write!(f, "channel answered {} ({code}): {reason}", self.status.unwrap_or_default())
            }
            FailureKind::Unauthorized => {
                write!(f, "{}", ConnectorError::Unauthorized { code: self.code.clone() })
            }
            FailureKind::Throttled => f.write_str("channel asked to slow down"),
            FailureKind::Busy => f.write_str("conversation is busy"),
            FailureKind::NoToken | FailureKind::NotSent => f.write_str("could not reach the channel"),
            FailureKind::ForeignHost => write!(f, "{}", ConnectorError::ForeignHost),
            FailureKind::TeamArchived => write!(f, "{}", ConnectorError::ClosedTeam(Closed::Archived)),
            FailureKind::TeamDeleted => write!(f, "{}", ConnectorError::ClosedTeam(Closed::Deleted)),
            FailureKind::LostReply => f.write_str("the channel's reply was lost"),
            FailureKind::GatewayError => f.write_str("the channel's gateway failed (502, 503 or 504)"),
            FailureKind::ChannelUnavailable => f.write_str("the channel is unavailable"),
            FailureKind::WorkerDied => f.write_str("the worker that held the lease died"),
            FailureKind::SenderDied => {
                f.write_str("the sending worker died; the message may have been delivered")
            }
            FailureKind::Expired => f.write_str("expired before it was started"),
            FailureKind::BeforeSendEpoch => {
                f.write_str("is older than SEND_EPOCH; may have been done before the table was restored")
            }
            FailureKind::NotRepeatedInTime => {
                f.write_str("may have been delivered, and expired before it could be retried")
            }
            FailureKind::EarlierAttempt => f.write_str("an earlier attempt may have been delivered"),
            FailureKind::PartDelayed => f.write_str("a part of the job will be retried"),
            FailureKind::TableUnavailable => f.write_str("could not reach the table"),
            FailureKind::NoAgentAccount => f.write_str("the agent has no account on this channel"),
            FailureKind::Content => f.write_str("could not render the content for the recipient"),
            FailureKind::EngineError => f.write_str("the engine failed"),
            FailureKind::EngineGaveUp => f.write_str("the engine failed too often"),
            FailureKind::Declined => f.write_str("the engine declined the task"),
            FailureKind::StoppedByUser => f.write_str("stopped by the user"),
            FailureKind::TooManySteps => f.write_str("exceeded 1,000 steps"),
            FailureKind::StateTooLarge => f.write_str("the state for the next step is too large"),
            FailureKind::InvalidDeadline => {
                f.write_str("`until` of a wait is not in the future and within a year")
            }
            FailureKind::SignalTaken => f.write_str("another task waits or waited for the signal"),
            FailureKind::CancelledByOperator => f.write_str("cancelled by the operator"),
            FailureKind::CancelledByUser => f.write_str("cancelled by the user"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemic_failures_are_marked_by_value() {
        let unauthorized = Failure::from(&ConnectorError::Unauthorized { code: None });
        let no_token = |is_systemic| {
            let cause = "no secret".into();
            Failure::from(&ConnectorError::NoToken { is_systemic, retry_after: None, cause })
        };

        assert!(unauthorized.systemic);
        assert!(no_token(true).systemic && no_token(true).to_string().ends_with("no secret"));
        assert!(!no_token(false).systemic);
        assert!(!Failure::from(&ConnectorError::Busy).systemic);
    }

    #[test]
    fn rejections_keep_reason_code_and_status() {
        let error = ConnectorError::Rejected {
            status: 403,
            code: Some("ConversationBlockedByUser".to_owned()),
            rejection: RejectionReason::BlockedByUser,
        };

        let failure = Failure::from(&error);
        let read: Failure = serde_json::from_str(&serde_json::to_string(&failure).unwrap()).unwrap();

        assert_eq!(read, failure);
        assert!(read.is_rejection(RejectionReason::BlockedByUser));
    }
}
