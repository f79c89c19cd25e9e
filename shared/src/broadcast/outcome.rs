//! What a broadcast came to for each recipient, and for all of them in numbers.
//! The job's record decides; here it is put into words that a report uses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::jobs::{Failure, FailureKind, JobId, State};
use crate::protocol::channel_error::RejectionReason;
use crate::protocol::conversation::ReferenceKey;
use crate::protocol::ids::{ActivityId, ConversationId, EntraId, TenantId};

/// What a broadcast came to for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The channel took it.
    Delivered,
    /// The person blocked the agent.
    Blocked,
    /// The agent is not, or no longer, installed there, or the conversation is gone.
    Uninstalled,
    /// The tenant's administrator blocked the app.
    DisabledByAdmin,
    /// The person does not want to hear of it.
    OptedOut,
    /// It waits for its hour.
    Deferred,
    /// The channel asked to slow down: it will be tried again.
    Throttled,
    /// It was put off for another reason: it will be tried again.
    Waiting,
    /// The engine had nothing to say to this one.
    Nothing,
    /// The broadcast was cancelled before.
    Cancelled,
    /// It cannot be done; the reason says why.
    Failed,
    /// It may have been shown; nobody can know.
    Unknown,
}

impl Outcome {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 12] = [
        Self::Delivered,
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

    /// Its name in reports and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
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

    /// Whether it stays so.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Deferred | Self::Throttled | Self::Waiting => false,
            Self::Delivered
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

    /// Returns the outcome of a delivery whose job is in `state`, for this failure where it has one.
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
                Some(_) | None => Self::Failed,
            },
            State::Sending | State::Retry if kind == Some(FailureKind::Throttled) => Self::Throttled,
            State::Sending | State::Retry => Self::Waiting,
        }
    }

    fn of_rejection(reason: RejectionReason) -> Self {
        match reason {
            RejectionReason::DisabledByAdmin => Self::DisabledByAdmin,
            RejectionReason::BlockedByUser => Self::Blocked,
            RejectionReason::NotInRoster | RejectionReason::ConversationNotFound => Self::Uninstalled,
            RejectionReason::NotPermitted
            | RejectionReason::WrongHost
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

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The delivery.
    pub job: JobId,
    /// To whom.
    pub who: RecipientRef,
    /// What it came to.
    pub outcome: Outcome,
    /// Why it failed or waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why the recipient was skipped, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What the channel calls what it showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<ActivityId>,
}

impl Entry {
    /// Returns why, where the outcome does not say it all, for people.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.failure.as_ref().map(Failure::to_string).or_else(|| self.note.clone())
    }
}

/// A recipient, as a report names one: by ids, never by what they are called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientRef {
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<EntraId>,
    /// What the conversation's reference is found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceKey>,
    /// The team's channel, for a new thread in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ConversationId>,
}

/// How many recipients came to what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutcomeCounts(pub BTreeMap<Outcome, i64>);

impl OutcomeCounts {
    /// Counts a recipient whose outcome becomes `new` after `old`.
    pub fn count(&mut self, old: Option<Outcome>, new: Outcome) {
        if let Some(old) = old {
            *self.0.entry(old).or_default() -= 1;
        }
        *self.0.entry(new).or_default() += 1;
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (outcome, count) in &other.0 {
            *self.0.entry(*outcome).or_default() += count;
        }
    }

    /// How many came to `outcome`.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(&outcome).copied().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }

    /// How many have an outcome that stays.
    #[must_use]
    pub fn settled(&self) -> u64 {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_settled()).map(|outcome| self.of(outcome)).sum()
    }
}
