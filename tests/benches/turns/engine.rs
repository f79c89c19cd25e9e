//! An engine that answers at once, with the messages of the bare server.

use std::sync::Arc;

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineContext, EngineError, Progress, Response, Task, TaskInput, TaskResponse, TaskRun, Turn,
};
use herald::error::BoxError;
use herald::protocol::activity::{Activity, Attachment};
use serde_json::json;

use crate::messages;

struct InstantEngine;

/// Returns the engine.
#[expect(clippy::unnecessary_wraps, reason = "the signature that the functions expect")]
pub(crate) fn build(_: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
    Ok(Arc::new(InstantEngine))
}

#[async_trait]
impl Engine for InstantEngine {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        let text = turn.text();
        let item = messages::item_of(&text);
        let task = Task { input: TaskInput(json!({ "item": item })), ..Task::new("order") };
        Ok(Response::defer(Activity::message(messages::ack(item)), task))
    }

    async fn run_task(&self, run: &TaskRun, _: &Progress) -> Result<TaskResponse, EngineError> {
        let item = run.task.input.0["item"].as_str().unwrap_or_default();
        let card = Attachment::adaptive_card(messages::card(item));
        Ok(TaskResponse::done([Activity::message(messages::placed(item)).attach(card)]))
    }
}
