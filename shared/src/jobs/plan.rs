//! Plans: what the engine decided, stored before the first of it is carried out.
//! A redelivery replays the plan and does not ask the engine again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Attempt, Failure, FailureKind, JobId, State};
use crate::agent::effect::Effect;
use crate::agent::task::{Task, TaskInput};
use crate::protocol::activity::Activity;
use crate::streaming::Surface;

/// What is to be done about a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// To be sent, in this order: one under the claim of its job, several each under its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sends: Vec<Activity>,
    /// The job whose activity the first of them is to replace, where the channel can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<JobId>,
    /// Where the only send begins a stream, if it begins one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_stream: Option<Surface>,
    /// To be done besides; each may be repeated freely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// To be queued after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// How the job ends once all of it was done.
    #[serde(default)]
    pub conclusion: Conclusion,
}

/// Work that follows from a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// Run this task.
    Task(Task),
    /// Ask the engine about the same activity again, without a limit.
    RetryWithoutDeadline,
    /// Run the same task again.
    Step {
        /// What it needs to go on.
        state: TaskInput,
        /// When; not before.
        due: Timestamp,
    },
}

/// How a job ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// The engine did what it was asked.
    #[default]
    Done,
    /// The engine said that it cannot be done.
    Declined,
    /// The engine failed too often; a failure notice is among the sends.
    GivenUp,
    /// The person it was for stopped it.
    Stopped,
    /// The engine had it go on once too often; a failure notice is among the sends.
    TooManySteps,
    /// The engine left more for its next step than is kept; a failure notice is among the sends.
    StateTooLarge,
}

impl Plan {
    /// Only these sends.
    #[must_use]
    pub fn sends(sends: Vec<Activity>) -> Self {
        Self { sends, ..Self::default() }
    }

    /// What it sends, if that is one message: its record is its job's, and no other is written.
    #[must_use]
    pub fn inline_send(&self) -> Option<&Activity> {
        match self.sends.as_slice() {
            [activity] if self.replaces.is_none() => Some(activity),
            _ => None,
        }
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.effects.is_empty() && self.next.is_none()
    }
}

impl Conclusion {
    /// What a job came to whose plan was carried out, given how the first of its parts ended that was not sent.
    #[must_use]
    pub fn attempt(self, unsent: Option<(State, Option<Failure>)>) -> Attempt {
        let rejected = |kind: FailureKind| Attempt::Rejected(kind.into());
        match (unsent, self) {
            (Some((state, failure)), _) => Attempt::SameAsPart(state, failure),
            (None, Self::Done) => Attempt::Sent(None),
            (None, Self::Stopped) => Attempt::SameAsPart(State::Cancelled, Some(FailureKind::Stopped.into())),
            (None, Self::Declined) => rejected(FailureKind::Declined),
            (None, Self::TooManySteps) => rejected(FailureKind::TooManySteps),
            (None, Self::StateTooLarge) => rejected(FailureKind::StateTooLarge),
            (None, Self::GivenUp) => rejected(FailureKind::EngineGaveUp),
        }
    }
}
