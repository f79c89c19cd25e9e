//! Echo: repeats every message. `cargo run -p herald-engine --example echo`, then write to it.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use herald::agent::{Engine, EngineError, Progress, Response, TaskResponse, TaskRun, Turn};
use herald::app::Agent;

struct Echo;

#[async_trait]
impl Engine for Echo {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        Ok(match turn.text().as_str() {
            "" => Response::ignore(),
            text => Response::reply(format!("You wrote: {text}")),
        })
    }

    async fn run_task(&self, run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        Err(EngineError::public(format!("no task is called `{}`", run.task.name)))
    }
}

/// Returns the agent of this example.
pub(crate) fn agent() -> Agent {
    Agent::new(|_| Ok(Arc::new(Echo))).suggestion("good morning")
}

fn main() -> ExitCode {
    cli::main(agent())
}
