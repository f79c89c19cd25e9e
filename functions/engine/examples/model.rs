//! A language model that answers every message, streamed, with the conversation as its context.
//!
//! ```sh
//! MODEL_BASE_URL=http://127.0.0.1:11434/v1 MODEL_NAME=qwen3 cargo run -p herald-engine --example model
//! ```

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use engine::model::{Config, Model};
use herald::agent::{
    Effect, Engine, EngineContext, EngineError, Exchange, Progress, Response, Task, TaskResponse, TaskRun,
    Turn,
};
use herald::app::Agent;
use herald::clock::Clock;
use herald::error::{BoxError, error_chain};
use herald::protocol::activity::Activity;
use tracing::warn;

/// The model's role, unless `MODEL_SYSTEM_PROMPT` is set.
const ROLE: &str = "You are a helpful colleague in a chat. Answer briefly, in the language of the question.";

struct Assistant {
    model: Model,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Engine for Assistant {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        // In a group, only what is addressed to the agent.
        if !turn.activity.is("message") || !turn.is_addressed() || turn.text().is_empty() {
            return Ok(Response::ignore());
        }
        Ok(Response::stream("Thinking…", Task::new("answer").input(turn.text()).with_memory()))
    }

    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError> {
        let question = run.task.input.0.as_str().ok_or("the task has no question")?;
        let answer = self.model.answer(ROLE, &run.memory.exchanges, question, progress).await;
        if let Some(failure) = answer.failure {
            warn!(job.id = run.idempotency_key.as_str(), error = %error_chain(&failure), "the language model failed");
            let text = format!("{}\n\n{}", answer.text, failure.user_message());
            return Ok(TaskResponse::done([Activity::message(text.trim())]));
        }
        let exchange = Exchange::new(question, answer.text.as_str(), self.clock.now());
        let message = Activity::message(answer.text).ai_generated().feedback_loop();
        Ok(TaskResponse::done([message]).with_effect(Effect::Remember(exchange)))
    }

    fn banner(&self) -> Vec<(&'static str, String)> {
        vec![("model", self.model.summary())]
    }
}

/// Builds the engine, for which a model must be configured.
pub(crate) fn build(context: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
    let config = Config::from_vars(context.vars)?.ok_or("MODEL_BASE_URL and MODEL_NAME are not set")?;
    let model = Model::new(config, context.secrets.clone(), context.clock.clone())?;
    Ok(Arc::new(Assistant { model, clock: context.clock.clone() }))
}

/// Returns the agent of this example.
pub(crate) fn agent() -> Agent {
    Agent::new(build).suggestion("what can you do?")
}

fn main() -> ExitCode {
    cli::main(agent())
}
