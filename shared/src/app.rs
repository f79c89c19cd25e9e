//! An agent as a value: how its engine is built, what to write to it, and its demo.
//! The functions and the command take it as an argument; only a `main.rs` names the crate it comes from.

pub mod demo;
mod environment;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use self::demo::Demo;
pub use self::environment::Environment;
use crate::agent::Engine;
use crate::error::BoxError;

/// The result of building an engine.
type Built = Result<Arc<dyn Engine>, BoxError>;

/// An engine that is being built.
type Building = Pin<Box<dyn Future<Output = Built> + Send>>;

/// An agent as the command takes it.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use herald::agent::{Engine, EngineError, Progress, Response, TaskResponse, TaskRun, Turn};
/// use herald::app::{Agent, Environment};
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
/// async fn build(_environment: Environment) -> Result<Arc<dyn Engine>, BoxError> {
///     Ok(Arc::new(Echo))
/// }
///
/// let agent = Agent::new(build).suggestion("good morning");
/// assert!(agent.demo.is_none());
/// ```
pub struct Agent {
    build: Box<dyn Fn(Environment) -> Building + Send + Sync>,
    /// A message to try first; the terminal and the page suggest it.
    pub suggestion: String,
    /// What `herald demo` plays.
    pub demo: Option<Demo>,
}

impl Agent {
    /// Returns an agent whose engine is built by `build`, without a demo.
    #[must_use]
    pub fn new<B, F>(build: B) -> Self
    where
        B: Fn(Environment) -> F + Send + Sync + 'static,
        F: Future<Output = Built> + Send + 'static,
    {
        let build = Box::new(move |environment| -> Building { Box::pin(build(environment)) });
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

    /// Builds the engine.
    ///
    /// # Errors
    ///
    /// When the engine cannot be built in this environment, e.g. because a variable is not set.
    pub async fn build(&self, environment: Environment) -> Result<Arc<dyn Engine>, BoxError> {
        (self.build)(environment).await
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("suggestion", &self.suggestion).finish_non_exhaustive()
    }
}
