//! Tasks: long-running work that an engine requests and the worker runs.
//! Does not enqueue or claim them; the functions do.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::engine_error::EngineError;
use crate::agent::ids::TaskId;
use crate::agent::memory::Memory;
use crate::agent::signal::ResumedBy;
use crate::agent::step::Steps;
use crate::protocol::conversation::ConversationReference;

/// Long-running work, identified by a name that the engine knows, with its input.
///
/// # Examples
///
/// ```
/// use herald::agent::Task;
/// use serde_json::json;
///
/// let task = Task::new("order").input(json!({ "item": "laptop" })).with_label("Order of a laptop").with_memory();
///
/// assert_eq!(task.input.0["item"], "laptop");
/// assert!(task.needs_memory);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The name of the work, chosen by the engine.
    pub name: String,
    /// The input of the work.
    #[serde(default)]
    pub input: TaskInput,
    /// The display name while it waits; see [`Task::with_label`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether every run receives the conversation's memory; see [`Task::with_memory`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_memory: bool,
}

/// The input of a task; never logged, because it may contain user text.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskInput(pub Value);

impl Task {
    /// Returns the task `name`, without input.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), input: TaskInput::default(), label: None, needs_memory: false }
    }

    /// Sets the input of the task.
    #[must_use]
    pub fn input(mut self, input: impl Into<Value>) -> Self {
        self.input = TaskInput(input.into());
        self
    }

    /// Sets the display name of the task, under which the conversation's memory lists it while it waits.
    #[must_use]
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Loads the conversation's memory for every run of the task.
    #[must_use]
    pub fn with_memory(self) -> Self {
        Self { needs_memory: true, ..self }
    }
}

/// One run of a task.
///
/// # Examples
///
/// ```
/// use herald::agent::{EngineError, TaskResponse, TaskRun};
/// use herald::protocol::activity::Activity;
///
/// fn order(run: &TaskRun) -> Result<TaskResponse, EngineError> {
///     let item = run.task.input.0["item"].as_str().ok_or("the task has no item")?;
///     // Passed to the shop, so that a repeated run places no second order.
///     let key = run.idempotency_key.as_str();
///     Ok(TaskResponse::done([Activity::message(format!("Ordered {item} ({key})."))]))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TaskRun {
    /// The task to run.
    pub task: Task,
    /// Idempotency key for requests to other services; constant across all runs and steps of the task, because a step
    /// runs again after a crash.
    pub idempotency_key: TaskId,
    /// The conversation that receives the result.
    pub reference: ConversationReference,
    /// The state that the previous step returned in [`TaskOutcome::Continue`](crate::agent::response::TaskOutcome::Continue);
    /// `None` in the first step.
    pub state: Option<Value>,
    /// The number of the run, from 0; each [`TaskOutcome::Continue`](crate::agent::response::TaskOutcome::Continue) and
    /// [`TaskOutcome::Wait`](crate::agent::response::TaskOutcome::Wait) starts the next.
    pub number: u32,
    /// What resumed the task, for the run after [`TaskOutcome::Wait`](crate::agent::response::TaskOutcome::Wait); the same
    /// in every attempt of the run.
    pub resumed_by: Option<ResumedBy>,
    /// The conversation's memory; empty unless [`Task::with_memory`] was set.
    pub memory: Memory,
    /// The durable steps of the run; see [`TaskRun::step`].
    pub steps: Steps,
}

impl TaskRun {
    /// Does `work` once as the durable step `name`, or returns its stored result where the run is repeated.
    ///
    /// The result is stored when `work` succeeds, or fails with a [`FinalError`](crate::agent::FinalError); any other
    /// error is returned, and a repeated run does the step again. A step that is under way when its worker dies is done
    /// again with the same [`step_key`](Self::step_key). Steps belong to one run: after a continuation or a wait, the
    /// state holds what is needed. A step costs one write of the table.
    ///
    /// # Errors
    ///
    /// The error of `work`, or a [`StepError`](crate::agent::StepError): the name is invalid or used twice in the run, the
    /// run has more than 100 steps, the result exceeds 64 KiB or has another type than the stored one, or the table fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::agent::{EngineError, TaskResponse, TaskRun};
    /// use herald::protocol::activity::Activity;
    ///
    /// # async fn place_order(key: &str) -> Result<u32, EngineError> { Ok(4711) }
    /// async fn order(run: &TaskRun) -> Result<TaskResponse, EngineError> {
    ///     let key = run.step_key("place");
    ///     let number = run.step("place", || place_order(&key)).await?;
    ///     Ok(TaskResponse::done([Activity::message(format!("Order #{number} is placed."))]))
    /// }
    /// ```
    pub async fn step<T, F>(&self, name: &str, work: impl FnOnce() -> F) -> Result<T, EngineError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, EngineError>>,
    {
        self.steps.run(name, work).await
    }

    /// Returns the idempotency key of the step `name` for requests to other services; the same in every attempt of the run.
    #[must_use]
    pub fn step_key(&self, name: &str) -> String {
        self.steps.key(name)
    }
}

impl std::fmt::Debug for TaskInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskInput(…)")
    }
}
