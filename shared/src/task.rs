//! Tasks: long work the engine asked for, to be run by the worker after the first answer.
//! How they are queued and claimed is not said here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ledger::JobId;

/// Long work: a name the engine knows and what it needs to do it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The engine's name for this kind of work.
    pub name: String,
    /// What the engine needs to do it, as it gave it.
    #[serde(default)]
    pub input: TaskInput,
}

/// What a task was given; it may hold what a person wrote, so it is never logged.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskInput(pub Value);

impl Task {
    /// A task that needs nothing but its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), input: TaskInput::default() }
    }

    /// The same task with `input`.
    #[must_use]
    pub fn input(mut self, input: impl Into<Value>) -> Self {
        self.input = TaskInput(input.into());
        self
    }
}

/// One run of a task.
#[derive(Debug, Clone)]
pub struct TaskRun {
    /// What to do.
    pub task: Task,
    /// The same in every run of this task, for whatever the engine calls: after a crash a task runs again.
    pub idempotency_key: JobId,
}

impl std::fmt::Debug for TaskInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskInput(…)")
    }
}
