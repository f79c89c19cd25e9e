//! The ledger's decisions: who may handle a job, and what an attempt leaves behind (design: data, `job`).
//! Pure functions of record, event and time; [`crate::aws::table::JobStore`] reads and writes.

mod cancel;
mod claim;
mod continuation;
mod failure;
mod inline_send;
mod plan;
pub mod timers;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::cancel::{Cancel, CancelledBy, cancel};
pub use self::claim::{Attempt, Claim, ClaimRequest, ResendPolicy, claim, finish};
pub use self::continuation::{scheduled, tombstone};
pub use self::failure::{Failure, FailureKind};
pub use self::inline_send::{InlineSend, begin_send, claim_planned, end_send};
pub use self::plan::{Conclusion, Next, Plan};
use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::hash::{self, hash_ids};
use crate::protocol::ids::{ActivityId, ChannelId, ConversationId};
use crate::streaming::Stream;

hash_ids! {
    /// Names a job: the same for every copy of the same work, however often it is delivered.
    JobId, InvalidJobId = "a job's id is 64 hexadecimal digits, all of them: copy the whole `job.id` of a log line";
}

impl JobId {
    /// The turn of one inbound activity.
    #[must_use]
    pub fn of_turn(channel: &ChannelId, conversation: &ConversationId, activity: &str) -> Self {
        Self::from_hash(hash::sha256(&["turn", channel.as_str(), conversation.as_str(), activity]))
    }

    /// The delivery of one firing of a schedule to one recipient, given as what it is found by.
    #[must_use]
    pub fn of_delivery(schedule_arn: &str, scheduled_time: Timestamp, recipient: &str) -> Self {
        Self::from_hash(hash::sha256(&["delivery", schedule_arn, &scheduled_time.to_string(), recipient]))
    }

    /// A part of this job that is claimed by itself, such as its second send.
    #[must_use]
    pub fn step(&self, name: &str, index: usize) -> Self {
        Self::from_hash(hash::sha256(&["step", &self.0, name, &index.to_string()]))
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

    /// Returns the task that this job, or a step that it is, belongs to by id.
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

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Someone has it in hand; if their lease is over, what they did is not known.
    Sending,
    /// It was not done, and may be tried again.
    Retry,
    /// It was done.
    Sent,
    /// It may have been done; nobody can know, and it is not tried again.
    Unknown,
    /// It cannot be done; the record says why.
    Failed,
    /// It was not done in time.
    Expired,
    /// It was cancelled before it was done.
    Cancelled,
}

impl State {
    /// Whether nothing more will happen to the job.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Sending | Self::Retry => false,
            Self::Sent | Self::Unknown | Self::Failed | Self::Expired | Self::Cancelled => true,
        }
    }
}

/// The record of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What it is found by.
    pub id: JobId,
    /// Grows by one with every write; a write names the one it is based on.
    pub revision: u64,
    /// Where it stands.
    pub state: State,
    /// The token of the claim that has, or last had, it in hand.
    pub owner: String,
    /// Until when the claim holds.
    pub lease_until: Timestamp,
    /// How often it was claimed.
    pub attempts: u32,
    /// How many of the attempts repeated one whose outcome was not known.
    pub resends: u32,
    /// What the engine decided, from then until the job is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What became of the only send of that plan; of several, each has a record of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_send: Option<InlineSend>,
    /// What the channel called the activity that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<ActivityId>,
    /// The stream that its answer is shown in while it is made, as it was kept last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// The step that may follow it, where it is a later step of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<JobId>,
    /// How it came to stand there: every state with its time and reason, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Entry>,
    /// After this it is too late to begin.
    pub expires_at: Timestamp,
}

/// One state of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub state: State,
    /// Since when.
    pub at: Timestamp,
    /// Why, where the state does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it is to start, where it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

impl Entry {
    /// Returns why the job is in this state, for people.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let failure = self.failure.as_ref().map(Failure::to_string);
        failure.or_else(|| self.due.map(|due| format!("waits until {due:.0}")))
    }
}

/// Most states that are kept of one job: its first and its last ones.
const MAX_HISTORY: usize = 32;

impl Job {
    /// Returns the failure that its last state records.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.history.last()?.failure.as_ref()
    }

    /// Returns why it is in its state, for people.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.history.last()?.reason()
    }

    /// Whether its last attempt was refused, whatever became of one before it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self.history.as_slice() {
            [.., attempt, last] if last.state == State::Unknown => attempt.state == State::Failed,
            history => history.last().is_some_and(|last| last.state == State::Failed),
        }
    }

    /// How it ended, if not as it should have: its whole ends so too.
    #[must_use]
    pub fn unsuccessful(&self) -> Option<(State, Option<Failure>)> {
        (self.state != State::Sent).then(|| (self.state, self.failure().cloned()))
    }

    /// The job in another state.
    fn transition(self, state: State, at: Timestamp, failure: Option<Failure>) -> Self {
        self.record(Entry { state, at, failure, due: None })
    }

    /// The job with a further entry in its history, whose state it has.
    fn record(mut self, entry: Entry) -> Self {
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(1);
        }
        let state = entry.state;
        self.history.push(entry);
        Self { state, ..self }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
