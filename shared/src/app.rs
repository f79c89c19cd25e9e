//! An agent as a value: how its engine is built, what to write to it, and its demo.
//! The functions and the command take it as an argument; only a `main.rs` names the crate it comes from.

pub mod demo_script;

use self::demo_script::Demo;
use crate::agent::BuildEngine;

/// An agent as the command takes it.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use herald::agent::{Engine, EngineContext, EngineError, Progress, Response, TaskResponse, TaskRun, Turn};
/// use herald::app::Agent;
/// use herald::error::BoxError;
///
/// struct Echo;
///
/// #[async_trait]
/// impl Engine for Echo {
///     async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
///         Ok(Response::reply(turn.text()))
///     }
///
///     async fn run_task(&self, _run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
///         Ok(TaskResponse::done([]))
///     }
/// }
///
/// fn build(_context: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
///     Ok(Arc::new(Echo))
/// }
///
/// let agent = Agent::new(build).suggestion("good morning");
/// assert!(agent.demo.is_none());
/// ```
#[derive(Debug)]
pub struct Agent {
    /// Builds the engine.
    pub build: BuildEngine,
    /// A message to try first; the terminal and the page suggest it.
    pub suggestion: String,
    /// The script that `herald demo` plays.
    pub demo: Option<Demo>,
}

impl Agent {
    /// Returns an agent whose engine is built by `build`, without a demo.
    #[must_use]
    pub fn new(build: BuildEngine) -> Self {
        Self { build, suggestion: "hello".to_owned(), demo: None }
    }

    /// Sets the message to try first.
    #[must_use]
    pub fn suggestion(self, text: impl Into<String>) -> Self {
        Self { suggestion: text.into(), ..self }
    }

    /// Adds a demo.
    #[must_use]
    pub fn demo(self, demo: Demo) -> Self {
        Self { demo: Some(demo), ..self }
    }
}
