//! Tasks: long work the engine asked for, to be run by the worker after the first answer.
//! How they are queued and claimed is not said here.

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
    /// What the engine needs to do it, as it gave it.
    #[serde(default)]
    pub input: TaskInput,
    /// What it is called for people while it waits; see [`Task::with_label`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether its runs have the conversation's memory; see [`Task::with_memory`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recalls: bool,
}

/// What a task was given; it may hold what a person wrote, so it is never logged.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskInput(pub Value);

impl Task {
    /// A task that needs nothing but its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), input: TaskInput::default(), label: None, recalls: false }
    }

    /// The same task with `input`.
    #[must_use]
    pub fn input(mut self, input: impl Into<Value>) -> Self {
        self.input = TaskInput(input.into());
        self
    }

    /// The same task, called `label` for people: while it waits, the conversation's memory lists it.
    #[must_use]
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// The same task, whose runs have the conversation's memory.
    #[must_use]
    pub fn recalling(self) -> Self {
        Self { recalls: true, ..self }
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
    /// What the step before left in [`crate::agent::engine::TaskOutcome::Continue`]; nothing in the first.
    pub state: Option<Value>,
    /// Which step it is: 0 is the first.
    pub step: u32,
    /// What is kept of the conversation; empty unless the task is [`Task::with_memory`].
    pub memory: Memory,
}

impl std::fmt::Debug for TaskInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskInput(…)")
    }
}
