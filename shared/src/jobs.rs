//! Idempotency: pure state transitions for claiming a job and recording an attempt.
//! [`crate::aws::table::JobStore`] reads and writes the records.

mod cancel;
mod claim;
mod continuation;
mod failure;
mod inline_send;
mod part;
mod plan;
mod restored;
pub mod signal;
pub mod timers;
mod waiting_stream;
mod without_attempt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::cancel::{Cancel, CancelledBy, cancel};
pub use self::claim::{Attempt, Claim, ClaimRequest, JITTER, ResendPolicy, claim, finish};
pub use self::continuation::{WaitsFor, claim_resumed, scheduled, tombstone};
pub use self::failure::{Failure, FailureKind};
pub use self::inline_send::{InlineSend, begin_send, claim_planned, confirm_send, end_send};
pub use self::part::Part;
pub use self::plan::{Conclusion, FollowOn, Plan, StoredPlan};
pub use self::restored::unrecorded;
pub use self::waiting_stream::{KeepStream, keep_stream, waiting};
pub use self::without_attempt::{Defer, defer, ended, skip};
use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::agent::signal::ResumedBy;
use crate::hash::{self, hash_ids};
use crate::protocol::ids::{ActivityId, ChannelId, ConversationId};
use crate::streaming::Stream;

hash_ids! {
    /// Identifies a job; derived from the work, so that every redelivery of it has the same id.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::jobs::{JobId, Part};
    /// use herald::protocol::ids::{ChannelId, ConversationId};
    ///
    /// let (channel, conversation) = (ChannelId::new("msteams")?, ConversationId::new("a:1")?);
    /// let turn = JobId::of_turn(&channel, &conversation, "1485983408511");
    ///
    /// assert_eq!(turn, JobId::of_turn(&channel, &conversation, "1485983408511"));
    /// assert_ne!(turn, turn.part(Part::Send, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    JobId, InvalidJobId = "a job id is 64 hexadecimal digits: copy the whole `job.id` of a log line";
}

impl JobId {
    /// Returns the job of the turn that the inbound `activity` starts.
    #[must_use]
    pub fn of_turn(channel: &ChannelId, conversation: &ConversationId, activity: &str) -> Self {
        Self::from_hash(hash::sha256(&["turn", channel.as_str(), conversation.as_str(), activity]))
    }

    /// Returns the job of the delivery of one run of a schedule to the recipient with the key `recipient`.
    #[must_use]
    pub fn of_delivery(schedule_arn: &str, scheduled_time: Timestamp, recipient: &str) -> Self {
        Self::from_hash(hash::sha256(&["delivery", schedule_arn, &scheduled_time.to_string(), recipient]))
    }

    /// Returns the first job of a task.
    #[must_use]
    pub fn of_task(task: &TaskId) -> Self {
        Self::from_hash(task.as_str().to_owned())
    }

    /// Returns the first job of a reminder.
    #[must_use]
    pub fn of_reminder(reminder: &ReminderId) -> Self {
        Self::from_hash(reminder.as_str().to_owned())
    }

    /// Returns the id of the task whose first job this is.
    #[must_use]
    pub fn as_task(&self) -> TaskId {
        TaskId::from_hash(self.0.clone())
    }

    /// Returns the reminder whose first job this is.
    #[must_use]
    pub fn as_reminder(&self) -> ReminderId {
        ReminderId::from_hash(self.0.clone())
    }
}

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// An owner holds the lease; once the lease has expired, the result of the attempt is unknown.
    Sending,
    /// The last attempt had no effect; the job will be retried.
    Retry,
    /// The job was done.
    Sent,
    /// The job may have been done; it is not retried.
    Unknown,
    /// The job cannot be done; the record has the failure.
    Failed,
    /// The job was not started before it expired.
    Expired,
    /// The job was cancelled before it was done.
    Cancelled,
}

impl State {
    /// Whether the state is final.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Sending | Self::Retry => false,
            Self::Sent | Self::Unknown | Self::Failed | Self::Expired | Self::Cancelled => true,
        }
    }
}

/// Record of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Key of the record.
    pub id: JobId,
    /// Version number for optimistic locking; incremented by every write.
    pub revision: u64,
    /// Current state.
    pub state: State,
    /// Token of the current or last claim.
    pub owner: String,
    /// End of the lease.
    pub lease_until: Timestamp,
    /// Earliest time of the next claim, after an attempt with an unknown result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Number of claims.
    pub attempts: u32,
    /// Number of attempts that repeated one with an unknown result.
    pub resends: u32,
    /// Plan of the engine; removed when the state is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// State of the only send of the plan; several sends have a record each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_send: Option<InlineSend>,
    /// Activity id that the channel assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<ActivityId>,
    /// Last checkpoint of the stream that shows the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// Step that may follow, for a later step of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<JobId>,
    /// Signal that the step that may follow waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// What resumed the step; stored with its first claim, so that every repetition of the run gets the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_by: Option<ResumedBy>,
    /// States so far with time and reason, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// Latest time of an attempt.
    pub expires_at: Timestamp,
}

/// One entry in the history of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// State.
    pub state: State,
    /// Start of the state.
    pub at: Timestamp,
    /// Reason, unless the state explains itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Start time, while the job waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

impl HistoryEntry {
    /// Returns the reason for this state as text for an operator.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let failure = self.failure.as_ref().map(Failure::to_string);
        failure.or_else(|| self.due.map(|due| format!("waits until {due:.0}")))
    }
}

/// Maximum number of history entries of a job: the first one and the latest ones.
const MAX_HISTORY: usize = 32;

impl Job {
    /// Returns the failure that its last state records.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.history.last()?.failure.as_ref()
    }

    /// Returns the reason for the current state as text for an operator.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.history.last()?.reason()
    }

    /// Whether the last attempt was rejected; an earlier one may still have been delivered.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self.history.as_slice() {
            [.., attempt, last] if last.state == State::Unknown => attempt.state == State::Failed,
            history => history.last().is_some_and(|last| last.state == State::Failed),
        }
    }

    /// Returns the state and failure, unless the job was sent.
    #[must_use]
    pub fn unsuccessful_outcome(&self) -> Option<(State, Option<Failure>)> {
        (self.state != State::Sent).then(|| (self.state, self.failure().cloned()))
    }

    /// Returns the job in another state.
    fn transition(self, state: State, at: Timestamp, failure: Option<Failure>) -> Self {
        self.record(HistoryEntry { state, at, failure, due: None })
    }

    /// Returns the job with `entry` appended to its history and the state of that entry.
    fn record(mut self, entry: HistoryEntry) -> Self {
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(1);
        }
        let state = entry.state;
        self.history.push(entry);
        Self { state, ..self }
    }
}

#[cfg(test)]
mod model_check;
#[cfg(test)]
mod tests;
