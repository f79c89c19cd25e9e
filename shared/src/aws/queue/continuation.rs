//! The steps of a task as queued work: which is next, and when a task may not go on.
//! How long a step waits, and where, is the worker's.

use jiff::Timestamp;

use super::{MAX_BODY_BYTES, TaskStep, TaskWork, Work};
use crate::agent::ids::TaskId;
use crate::agent::task::TaskInput;
use crate::jobs::{Conclusion, JobId};

/// Most steps of one task.
pub const MAX_STEPS: u32 = 1_000;

/// Largest state that a step may leave for the next, in bytes of its JSON.
pub const MAX_STATE_BYTES: usize = 64 * 1024;

/// Why a task may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoStep {
    /// It has had all its steps.
    #[error("a task has at most {MAX_STEPS} steps: have it end, or make its steps longer")]
    TooMany,
    /// What it left is too large.
    #[error(
        "the state of a step is at most {MAX_STATE_BYTES} bytes, this is {bytes}: keep it elsewhere, and its name here"
    )]
    StateTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// What it left does not fit beside what it was given.
    #[error(
        "a step is queued with its input, state and conversation in {MAX_BODY_BYTES} bytes: make them smaller"
    )]
    BodyTooLarge,
}

impl NoStep {
    /// How its job ends.
    #[must_use]
    pub fn conclusion(self) -> Conclusion {
        match self {
            Self::TooMany => Conclusion::TooManySteps,
            Self::StateTooLarge { .. } | Self::BodyTooLarge => Conclusion::StateTooLarge,
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

    /// Which step it is: 0 is the first.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.step.as_ref().map_or(0, |step| step.number)
    }

    /// The step after this one, which has `state` and is due at `due`.
    ///
    /// # Errors
    ///
    /// [`NoStep`].
    pub fn following(&self, state: TaskInput, due: Timestamp) -> Result<Self, NoStep> {
        let number = self.number() + 1;
        if number >= MAX_STEPS {
            return Err(NoStep::TooMany);
        }
        let bytes = state.0.to_string().len();
        if bytes > MAX_STATE_BYTES {
            return Err(NoStep::StateTooLarge { bytes });
        }
        let task = self.first_job().clone();
        let step = TaskStep { number, state, due, task: task.clone() };
        let next = Self { job: task.task_step(number), step: Some(step), stream: None, ..self.clone() };
        Work::Task(next.clone()).encode().map_err(|_| NoStep::BodyTooLarge)?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
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
            work = work.following(TaskInput(json!(null)), Timestamp::UNIX_EPOCH).unwrap();
        }

        assert_eq!((work.number(), work.task_id()), (999, first(Task::new("poll")).job.as_task()));
        assert_eq!(work.following(TaskInput(json!(null)), Timestamp::UNIX_EPOCH), Err(NoStep::TooMany));
    }

    #[test]
    fn every_step_has_an_id_of_its_own_that_follows_from_the_first() {
        let work = first(Task::new("poll"));
        let next = |work: &TaskWork| work.following(state(2), Timestamp::UNIX_EPOCH).unwrap();

        let (second, third) = (next(&work), next(&next(&work)));

        assert_eq!(second, next(&work));
        assert_ne!(second.job, third.job);
        assert_eq!((third.job, third.step.unwrap().number), (work.job.step("task", 2), 2));
    }

    #[test]
    fn what_a_step_leaves_is_measured() {
        let (work, large) = (first(Task::new("poll")), first(Task::new("poll").input("x".repeat(200_000))));
        let due = Timestamp::UNIX_EPOCH;

        assert!(work.following(state(MAX_STATE_BYTES), due).is_ok());
        let bytes = MAX_STATE_BYTES + 1;
        assert_eq!(work.following(state(bytes), due), Err(NoStep::StateTooLarge { bytes }));
        assert_eq!(large.following(state(MAX_STATE_BYTES), due), Err(NoStep::BodyTooLarge));
    }
}
