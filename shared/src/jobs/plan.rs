//! Plans: the decision of the engine, stored before any of it is carried out.
//! A redelivery replays the plan and does not call the engine again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Attempt, Failure, FailureKind, JobId, State};
use crate::agent::effect::Effect;
use crate::agent::signal::SignalKey;
use crate::agent::task::{Task, TaskInput};
use crate::protocol::activity::Activity;
use crate::streaming::Surface;

/// Decision of the engine about a job.
///
/// # Examples
///
/// ```
/// use herald::jobs::Plan;
/// use herald::protocol::activity::Activity;
///
/// let plan = Plan::sends(vec![Activity::message("Your report is ready.")]);
///
/// assert!(plan.inline_send().is_some(), "a single send is recorded in its job");
/// assert!(!plan.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Activities to send, in this order: a single one under the claim of its job, several under a claim each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sends: Vec<Activity>,
    /// Job whose activity the first send replaces, if the channel supports updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<JobId>,
    /// Surface of the stream that the only send opens, if it opens one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_stream: Option<Surface>,
    /// Effects to apply; each is idempotent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Work to enqueue afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<FollowOn>,
    /// Conclusion of the job once the plan is carried out.
    #[serde(default)]
    pub conclusion: Conclusion,
    /// Where the store keeps the plan, if it is too large for the record of its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredPlan>,
}

/// Place of a plan that is too large for the record of its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// SHA-256 of its JSON.
    pub hash: String,
    /// Number of its parts.
    pub parts: usize,
}

/// Work that a plan enqueues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowOn {
    /// First run of this task.
    Task(Task),
    /// Another call of the engine with the same activity, without a deadline.
    RetryWithoutDeadline,
    /// Next step of the same task.
    Step {
        /// Input of the step.
        state: TaskInput,
        /// Earliest start.
        due: Timestamp,
    },
    /// Next step of the same task, once a signal comes or its deadline passes.
    Wait {
        /// Input of the step.
        state: TaskInput,
        /// Key of the signal.
        signal: SignalKey,
        /// Deadline.
        until: Timestamp,
    },
}

/// Conclusion of a job after its plan was carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// The engine succeeded.
    #[default]
    Done,
    /// The engine declined the task.
    Declined,
    /// The engine failed too often; the sends include a failure notice.
    EngineFailed,
    /// The user stopped the answer.
    StoppedByUser,
    /// The task continued more often than allowed; the sends include a failure notice.
    TooManySteps,
    /// The state for the next step is larger than allowed; the sends include a failure notice.
    StateTooLarge,
    /// The deadline of a wait is in the past or too far in the future; the sends include a failure notice.
    InvalidDeadline,
    /// Another task waits or waited for the signal.
    SignalTaken,
}

impl Plan {
    /// Returns a plan of these sends only.
    #[must_use]
    pub fn sends(sends: Vec<Activity>) -> Self {
        Self { sends, ..Self::default() }
    }

    /// Returns the only send, which is recorded in its job; `None` if there are several or it replaces an activity.
    #[must_use]
    pub fn inline_send(&self) -> Option<&Activity> {
        match self.sends.as_slice() {
            [activity] if self.replaces.is_none() => Some(activity),
            _ => None,
        }
    }

    /// Returns the only send if it is the first thing to do, so that the claim of the job may claim it too.
    #[must_use]
    pub fn first_send(&self) -> Option<&Activity> {
        self.inline_send().filter(|_| self.effects.is_empty() && self.opens_stream.is_none())
    }

    /// Whether the plan does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.effects.is_empty() && self.next.is_none()
    }
}

impl Conclusion {
    /// Returns the result of a job whose plan was carried out; `unsent` is the first part that was not sent.
    #[must_use]
    pub fn attempt(self, unsent: Option<(State, Option<Failure>)>) -> Attempt {
        let rejected = |kind: FailureKind| Attempt::Rejected(kind.into());
        match (unsent, self) {
            (Some((state, failure)), _) => Attempt::SameAsPart(state, failure),
            (None, Self::Done) => Attempt::Sent(None),
            (None, Self::StoppedByUser) => {
                Attempt::SameAsPart(State::Cancelled, Some(FailureKind::StoppedByUser.into()))
            }
            (None, Self::Declined) => rejected(FailureKind::Declined),
            (None, Self::TooManySteps) => rejected(FailureKind::TooManySteps),
            (None, Self::StateTooLarge) => rejected(FailureKind::StateTooLarge),
            (None, Self::InvalidDeadline) => rejected(FailureKind::InvalidDeadline),
            (None, Self::SignalTaken) => rejected(FailureKind::SignalTaken),
            (None, Self::EngineFailed) => rejected(FailureKind::EngineGaveUp),
        }
    }
}
