//! Tasks: long work the engine requests, run by the worker after the initial response.
//! Queueing and claiming them is left to the functions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::ids::TaskId;
use crate::agent::memory::Memory;
use crate::protocol::conversation::ConversationReference;

/// Long work: a name the engine knows and what it needs to do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The engine's name for this kind of work.
    pub name: String,
    /// What the engine needs to do it.
    #[serde(default)]
    pub input: TaskInput,
    /// Its display name while it waits; see [`Task::with_label`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether its runs get the conversation's memory; see [`Task::with_memory`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_memory: bool,
}

/// The input of a task; never logged, because it may hold what a user wrote.
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
#[derive(Debug, Clone)]
pub struct TaskRun {
    /// What to do.
    pub task: Task,
    /// The same in every run and every step of this task, for whatever the engine calls: after a crash a step
    /// runs again.
    pub idempotency_key: TaskId,
    /// Where the follow-up goes.
    pub reference: ConversationReference,
    /// What the step before left in [`TaskOutcome::Continue`](crate::agent::response::TaskOutcome::Continue); `None` in the first.
    pub state: Option<Value>,
    /// Which step it is: 0 is the first.
    pub step: u32,
    /// What is kept of the conversation; empty unless [`Task::with_memory`] was set.
    pub memory: Memory,
}

impl std::fmt::Debug for TaskInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskInput(…)")
    }
}
