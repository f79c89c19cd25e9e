//! Steps of a task as queued work: builds the next one, and rejects it beyond the limits.
//!
//! The worker decides how long a step waits, and where.

use jiff::Timestamp;

use super::{MAX_BODY_BYTES, TaskStep, TaskWork, WorkMessage};
use crate::agent::ids::TaskId;
use crate::agent::signal::{MAX_DATA_BYTES, ResumedBy};
use crate::agent::task::TaskInput;
use crate::jobs::{Conclusion, JobId};

/// Most steps of a task.
pub const MAX_STEPS: u32 = 1_000;

/// Largest state that a step passes to the next, in bytes of its JSON.
pub const MAX_STATE_BYTES: usize = 64 * 1024;

/// Largest body of a step that waits for a signal, in bytes: the data of the signal is added to it.
const MAX_WAITING_BYTES: usize = MAX_BODY_BYTES - MAX_DATA_BYTES - 1024;

/// Reason why a task cannot continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotContinue {
    /// The task has had [`MAX_STEPS`] steps.
    #[error("a task has at most {MAX_STEPS} steps: end it, or do more work in each step")]
    TooMany,
    /// The state is larger than [`MAX_STATE_BYTES`].
    #[error(
        "the state of a step is at most {MAX_STATE_BYTES} bytes, not {bytes}: store it elsewhere and pass a reference"
    )]
    StateTooLarge {
        /// Size of the state.
        bytes: usize,
    },
    /// State, input and conversation together do not fit into a message.
    #[error("input, state and conversation of a step exceed {MAX_BODY_BYTES} bytes: make them smaller")]
    BodyTooLarge,
    /// The deadline of a wait is in the past or too far in the future.
    #[error("`until` of a wait is {until}: it must be in the future and within a year")]
    InvalidUntil {
        /// The deadline.
        until: Timestamp,
    },
}

impl CannotContinue {
    /// Returns the conclusion that ends the job.
    #[must_use]
    pub fn conclusion(self) -> Conclusion {
        match self {
            Self::TooMany => Conclusion::TooManySteps,
            Self::StateTooLarge { .. } | Self::BodyTooLarge => Conclusion::StateTooLarge,
            Self::InvalidUntil { .. } => Conclusion::InvalidDeadline,
        }
    }
}

impl TaskWork {
    /// Returns the id of the task.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.first_job().as_task()
    }

    /// Returns the job of the first step.
    fn first_job(&self) -> &JobId {
        self.step.as_ref().map_or(&self.job, |step| &step.task)
    }

    /// Returns the number of the step: 0 is the first.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.step.as_ref().map_or(0, |step| step.number)
    }

    /// Returns the next step, with `state` and due at `due`.
    ///
    /// # Errors
    ///
    /// [`CannotContinue`].
    pub fn next_step(&self, state: TaskInput, due: Timestamp) -> Result<Self, CannotContinue> {
        let number = self.number() + 1;
        if number >= MAX_STEPS {
            return Err(CannotContinue::TooMany);
        }
        let bytes = state.0.to_string().len();
        if bytes > MAX_STATE_BYTES {
            return Err(CannotContinue::StateTooLarge { bytes });
        }
        let task = self.first_job().clone();
        let step = TaskStep { number, state, due, task: task.clone(), resumed_by: None };
        let next = Self {
            job: task.task_step(number),
            step: Some(step),
            stream: None,
            in_burst: false,
            ..self.clone()
        };
        WorkMessage::Task(next.clone()).encode().map_err(|_| CannotContinue::BodyTooLarge)?;
        Ok(next)
    }

    /// Returns the next step, with `state`, which waits for a signal until `until`; and the body of its message, which leaves
    /// room for the data of the signal.
    ///
    /// # Errors
    ///
    /// [`CannotContinue`].
    pub fn waiting_step(&self, state: TaskInput, until: Timestamp) -> Result<(Self, String), CannotContinue> {
        let next = self.next_step(state, until)?;
        let body = WorkMessage::Task(next.clone()).encode().map_err(|_| CannotContinue::BodyTooLarge)?;
        match body.len() > MAX_WAITING_BYTES {
            true => Err(CannotContinue::BodyTooLarge),
            false => Ok((next, body)),
        }
    }

    /// Returns the same step, resumed by `resumed_by` at `at`.
    #[must_use]
    pub fn resumed(self, resumed_by: ResumedBy, at: Timestamp) -> Self {
        let step = self.step.map(|step| TaskStep { due: at, resumed_by: Some(resumed_by), ..step });
        Self { step, ..self }
    }

    /// Returns the job of the step that may follow.
    #[must_use]
    pub fn following_job(&self) -> JobId {
        self.first_job().task_step(self.number() + 1)
    }

    /// Returns the job of the step before; `None` for the first step.
    #[must_use]
    pub fn preceding_job(&self) -> Option<JobId> {
        Some(self.first_job().task_step(self.number().checked_sub(1)?))
    }

    /// Returns what resumed the step.
    #[must_use]
    pub fn resumed_by(&self) -> Option<&ResumedBy> {
        self.step.as_ref()?.resumed_by.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use crate::jobs::Part;
    use serde_json::json;

    use super::*;
    use crate::agent::task::Task;
    use crate::hash;
    use crate::protocol::conversation::ConversationReference;

    fn first(task: Task) -> TaskWork {
        let activity = json!({
            "type": "message", "id": "1", "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/", "conversation": { "id": "a:1" },
            "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
        });
        let reference = ConversationReference::of(&serde_json::from_value(activity).unwrap()).unwrap();
        TaskWork::new(hash::sha256(&["task"]).parse().unwrap(), task, reference)
    }

    fn state(bytes: usize) -> TaskInput {
        TaskInput(json!("x".repeat(bytes - 2)))
    }

    #[test]
    fn a_task_has_a_thousand_steps_and_no_more() {
        let mut work = first(Task::new("poll"));
        for _ in 1..MAX_STEPS {
            work = work.next_step(TaskInput(json!(null)), Timestamp::UNIX_EPOCH).unwrap();
        }

        assert_eq!((work.number(), work.task_id()), (999, first(Task::new("poll")).job.as_task()));
        assert_eq!(
            work.next_step(TaskInput(json!(null)), Timestamp::UNIX_EPOCH),
            Err(CannotContinue::TooMany)
        );
    }

    #[test]
    fn every_step_has_its_own_id_derived_from_the_first() {
        let work = first(Task::new("poll"));
        let next = |work: &TaskWork| work.next_step(state(2), Timestamp::UNIX_EPOCH).unwrap();

        let (second, third) = (next(&work), next(&next(&work)));

        assert_eq!(second, next(&work));
        assert_ne!(second.job, third.job);
        assert_eq!((third.job, third.step.unwrap().number), (work.job.part(Part::Task, 2), 2));
    }

    #[test]
    fn state_and_message_of_a_step_are_limited() {
        let (work, large) = (first(Task::new("poll")), first(Task::new("poll").input("x".repeat(200_000))));
        let due = Timestamp::UNIX_EPOCH;

        assert!(work.next_step(state(MAX_STATE_BYTES), due).is_ok());
        let bytes = MAX_STATE_BYTES + 1;
        assert_eq!(work.next_step(state(bytes), due), Err(CannotContinue::StateTooLarge { bytes }));
        assert_eq!(large.next_step(state(MAX_STATE_BYTES), due), Err(CannotContinue::BodyTooLarge));
    }
}
