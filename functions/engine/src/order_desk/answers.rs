//! Answers to free text by the language model, with earlier exchanges in the prompt.
//! The runtime stores the exchanges; `model` is the client.

use herald::agent::{Effect, Exchange, Progress, Task, TaskResponse, TaskRun};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::activity::Activity;
use serde_json::{Value, json};
use tracing::warn;

use crate::model::Model;

/// Name of the task that answers free text.
pub(crate) const ANSWER: &str = "answer";

/// Status of the stream until its first text.
pub(crate) const STATUS: &str = "Thinking…";

/// Role of the model, unless the configuration has a system prompt.
const ROLE: &str = "You are the order desk of a small office supplies shop and talk to people in a chat. Answer in a \
    few short, plain sentences and in the language of the question. You cannot place, change or cancel orders in your \
    answers: people write “order a laptop” to order and “cancel my order” to cancel, and you never claim to have done \
    either. Orders take two days. When you do not know something about the shop, say so.";

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
    let answer = model.answer(ROLE, &run.memory.exchanges, question, progress).await;
    let message = |text: String| Activity::message(text).ai_generated().feedback_loop();
    let exchange = || Effect::Remember(Exchange::new(question, answer.text.as_str(), clock.now()));
    let Some(failure) = &answer.failure else {
        return TaskResponse::done([message(answer.text.clone())]).with_effect(exchange());
    };
    warn!(job.id = run.idempotency_key.as_str(), error = %error_chain(failure), "the language model failed");
    let explanation = failure.user_message();
    if answer.text.trim().is_empty() {
        return TaskResponse::failed(Activity::message(explanation));
    }
    // The part that was shown stays.
    let shown = TaskResponse::done([message(format!("{}\n\n{explanation}", answer.text))]);
    // An incomplete answer is not added to the memory; one that is only too long is, so that its rest can be asked for.
    if failure.is_truncation() { shown.with_effect(exchange()) } else { shown }
}
