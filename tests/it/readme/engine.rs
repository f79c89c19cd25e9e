use std::sync::Arc;

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineContext, EngineError, Notification, Progress, Recipient, Response, Task, TaskResponse, TaskRun,
    Turn,
};
use herald::app::Agent;
use herald::error::BoxError;
use herald::protocol::activity::Activity;

struct Reporter;

#[async_trait]
impl Engine for Reporter {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        Ok(match turn.text().as_str() {
            "" => Response::ignore(),
            "report" => Response::defer(Activity::message("On it. I will post the report here."), Task::new("report")),
            text => Response::reply(format!("You said: {text}")),
        })
    }

    async fn run_task(&self, _run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        Ok(TaskResponse::done([Activity::message("Here is the report.")]))
    }

    async fn on_notification(
        &self,
        notification: &Notification,
        _recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        Ok((notification.name == "morning-digest").then(|| Activity::message("Good morning!")))
    }
}

pub fn build(_context: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
    Ok(Arc::new(Reporter))
}

pub fn agent() -> Agent {
    Agent::new(build).suggestion("report")
}
