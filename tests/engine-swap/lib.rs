//! An engine that repeats what it reads: the least that replaces `functions/engine`.

use std::sync::Arc;

use async_trait::async_trait;
use herald::agent::{Engine, EngineContext, EngineError, Progress, Response, TaskResponse, TaskRun, Turn};
use herald::app::Agent;
use herald::error::BoxError;

struct Echo;

#[async_trait]
impl Engine for Echo {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        let text = turn.text();
        Ok(if text.is_empty() { Response::ignore() } else { Response::reply(text) })
    }

    async fn run_task(&self, _run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        Err("this engine defers nothing".into())
    }
}

/// Builds the engine.
///
/// # Errors
///
/// Never.
pub fn build(_context: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
    Ok(Arc::new(Echo))
}

/// Returns the agent, without a demo.
#[must_use]
pub fn agent() -> Agent {
    Agent::new(build)
}
