//! Outcomes of a broadcast: for each recipient in a report, and for all of them in numbers.
//! They are derived from the records of the jobs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::jobs::{Failure, FailureKind, Job, JobId, State};
use crate::protocol::channel_error::RejectionReason;
use crate::protocol::conversation::ReferenceKey;
use crate::protocol::ids::{ActivityId, ConversationId, EntraId, TenantId};

/// Outcome of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The channel accepted the message.
    Delivered,
    /// The message was delivered, and a correction replaced it. Only reports have this outcome; no record does.
    Corrected,
    /// The message was delivered, and a recall deleted it. Only reports have this outcome; no record does.
    Recalled,
    /// The person blocked the agent, or cannot be written to any more.
    Blocked,
    /// The agent is not installed, or the conversation does not exist any more, or its team is archived or deleted.
    Uninstalled,
    /// The tenant's administrator blocked the app.
    DisabledByAdmin,
    /// The recipient muted the notification.
    OptedOut,
    /// The delivery waits for its local time or the end of quiet hours.
    Deferred,
    /// The channel throttled the agent; the delivery will be retried.
    Throttled,
    /// The delivery will be retried for another reason.
    Waiting,
    /// The engine had no message for the recipient.
    Nothing,
    /// The broadcast was cancelled before the delivery.
    Cancelled,
    /// The delivery failed permanently.
    Failed,
    /// The message may have been delivered.
    Unknown,
}

impl Outcome {
    /// All outcomes in the order of a report.
    pub const ALL: [Self; 14] = [
        Self::Delivered,
        Self::Corrected,
        Self::Recalled,
        Self::Blocked,
        Self::Uninstalled,
        Self::DisabledByAdmin,
        Self::OptedOut,
        Self::Deferred,
        Self::Throttled,
        Self::Waiting,
        Self::Nothing,
        Self::Cancelled,
        Self::Failed,
        Self::Unknown,
    ];

    /// Returns the name in reports and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Corrected => "corrected",
            Self::Recalled => "recalled",
            Self::Blocked => "blocked",
            Self::Uninstalled => "uninstalled",
            Self::DisabledByAdmin => "disabled-by-admin",
            Self::OptedOut => "opted-out",
            Self::Deferred => "deferred",
            Self::Throttled => "throttled",
            Self::Waiting => "waiting",
            Self::Nothing => "nothing",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the outcome is final.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Deferred | Self::Throttled | Self::Waiting => false,
            Self::Delivered
            | Self::Corrected
            | Self::Recalled
            | Self::Blocked
            | Self::Uninstalled
            | Self::DisabledByAdmin
            | Self::OptedOut
            | Self::Nothing
            | Self::Cancelled
            | Self::Failed
            | Self::Unknown => true,
        }
    }

    /// Returns the outcome of a delivery whose job is in `state` with this failure, if any.
    #[must_use]
    pub fn of(state: State, failure: Option<&Failure>) -> Self {
        let kind = failure.map(|failure| failure.kind);
        match state {
            State::Sent => Self::Delivered,
            State::Unknown => Self::Unknown,
            State::Expired => Self::Failed,
            State::Cancelled => Self::Cancelled,
            State::Failed => match kind {
                Some(FailureKind::Rejected(reason)) => Self::of_rejection(reason),
                Some(FailureKind::TeamArchived | FailureKind::TeamDeleted) => Self::Uninstalled,
                Some(_) | None => Self::Failed,
            },
            State::Sending | State::Retry if kind == Some(FailureKind::Throttled) => Self::Throttled,
            State::Sending | State::Retry => Self::Waiting,
        }
    }

    /// Returns the outcome of the delivery `job`, which changes an activity if it `is_amendment`; `None` while it is
    /// attempted.
    #[must_use]
    pub fn of_delivery(job: &Job, is_amendment: bool) -> Option<Self> {
        let is_deferred = job.history.last().is_some_and(|entry| entry.due.is_some());
        match job.state {
            State::Sending => None,
            State::Retry if is_deferred => Some(Self::Deferred),
            State::Sent if job.inline_send.is_none() && !is_amendment => Some(Self::Nothing),
            State::Retry
            | State::Sent
            | State::Unknown
            | State::Failed
            | State::Expired
            | State::Cancelled => {
                let decisive = decisive(job);
                Some(Self::of(decisive.state, decisive.failure()))
            }
        }
    }

    fn of_rejection(reason: RejectionReason) -> Self {
        match reason {
            RejectionReason::DisabledByAdmin => Self::DisabledByAdmin,
            RejectionReason::BlockedByUser | RejectionReason::PersonGone => Self::Blocked,
            RejectionReason::NotInRoster | RejectionReason::ConversationNotFound => Self::Uninstalled,
            RejectionReason::NotPermitted
            | RejectionReason::WrongHost
            | RejectionReason::WrongRegion
            | RejectionReason::ActivityNotFound
            | RejectionReason::ForeignConversation
            | RejectionReason::ForeignPerson
            | RejectionReason::InvalidConversation
            | RejectionReason::TooLarge
            | RejectionReason::StreamUnsupported
            | RejectionReason::StreamStopped
            | RejectionReason::StreamExpired
            | RejectionReason::StreamComplete
            | RejectionReason::StreamBroken
            | RejectionReason::Malformed
            | RejectionReason::NotOffered
            | RejectionReason::Redirected
            | RejectionReason::Unexplained
            | RejectionReason::Undocumented
            | RejectionReason::Other => Self::Failed,
        }
    }
}

/// One entry of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEntry {
    /// Job of the delivery.
    pub job: JobId,
    /// Recipient.
    pub recipient: RecipientRef,
    /// Outcome.
    pub outcome: Outcome,
    /// Reason why the delivery failed or waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Reason why the recipient was skipped, as text for an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Time of the outcome.
    pub at: Timestamp,
    /// Activity id that the channel assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<ActivityId>,
}

impl ReportEntry {
    /// Returns the entry of the delivery `job` with this outcome; `amended` is the activity that it changes.
    #[must_use]
    pub fn of_delivery(
        job: &Job,
        recipient: RecipientRef,
        outcome: Outcome,
        note: Option<String>,
        amended: Option<&ActivityId>,
    ) -> Self {
        // An amendment changes the activity of the amended delivery, which a later amendment changes again.
        let activity = job.shown_activity().or(amended).cloned();
        Self {
            job: job.id.clone(),
            recipient,
            outcome,
            failure: decisive(job).failure().cloned().filter(|_| note.is_none()),
            note,
            at: job.history.last().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at),
            activity: activity.filter(|_| outcome == Outcome::Delivered),
        }
    }

    /// Returns the reason as text for an operator, unless the outcome explains itself.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.failure.as_ref().map(Failure::to_string).or_else(|| self.note.clone())
    }
}

/// Returns the job, or its inline send while the job is not completed: its last state explains the outcome.
fn decisive(job: &Job) -> Cow<'_, Job> {
    match job.inline_job().filter(|_| !job.state.is_settled()) {
        Some(send) => Cow::Owned(send),
        None => Cow::Borrowed(job),
    }
}

/// Recipient in a report, identified by ids and never by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientRef {
    /// Tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<EntraId>,
    /// Key of the conversation reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceKey>,
    /// Channel of a team, for a new thread in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ConversationId>,
}

/// Number of recipients by outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutcomeCounts(pub BTreeMap<Outcome, i64>);

impl OutcomeCounts {
    /// Counts a recipient whose outcome changes from `old` to `new`.
    pub fn count(&mut self, old: Option<Outcome>, new: Outcome) {
        if let Some(old) = old {
            *self.0.entry(old).or_default() -= 1;
        }
        *self.0.entry(new).or_default() += 1;
    }

    /// Adds the numbers of another count.
    pub fn add(&mut self, other: &Self) {
        for (outcome, count) in &other.0 {
            *self.0.entry(*outcome).or_default() += count;
        }
    }

    /// Returns the number of recipients with `outcome`.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(&outcome).copied().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }

    /// Returns the number of recipients with a final outcome.
    #[must_use]
    pub fn settled(&self) -> u64 {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_settled()).map(|outcome| self.of(outcome)).sum()
    }
}
