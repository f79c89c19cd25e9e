//! Answers to free text by the language model, with earlier exchanges in the prompt.
//! The runtime stores the exchanges; `model` is the client.

use herald::agent::{Effect, Exchange, Progress, Task, TaskResponse, TaskRun};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::activity::Activity;
use serde_json::{Value, json};
use tracing::warn;

use crate::model::{Model, prompt};

/// Name of the task that answers free text.
pub(crate) const ANSWER: &str = "answer";

/// Status of the stream until its first text.
pub(crate) const STATUS: &str = "Thinking…";

/// Returns the task that answers `question`.
pub(crate) fn task(question: &str) -> Task {
    Task::new(ANSWER).input(json!({ "question": question })).with_memory()
}

/// Runs the task: streams the answer of `model` to its question.
pub(crate) async fn answer(
    model: &Model,
    clock: &dyn Clock,
    run: &TaskRun,
    progress: &Progress,
) -> TaskResponse {
    let question = run.task.input.0.get("question").and_then(Value::as_str).unwrap_or_default();
    progress.set_status(STATUS);
    let answer = model.answer(&prompt(&run.memory.exchanges, question), progress).await;
    let message = |text: String| Activity::message(text).ai_generated().feedback_loop();
    let Some(failure) = answer.failure else {
        let exchange = Exchange::new(question, answer.text.as_str(), clock.now());
        return TaskResponse::done([message(answer.text)]).with_effect(Effect::Remember(exchange));
    };
    warn!(error = %error_chain(&failure), "the language model failed");
    let explanation = failure.user_message();
    if answer.text.trim().is_empty() {
        return TaskResponse::failed(Activity::message(explanation));
    }
    // The part that was shown stays; an incomplete answer is not added to the memory.
    let separated = format!("{}\n\n{explanation}", answer.text);
    TaskResponse::done([message(separated)])
}
