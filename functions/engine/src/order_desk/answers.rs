//! Free text, answered by the language model with what was said before in mind.
//! How the model is reached is `model`'s; what is kept of the conversation is the runtime's.

use herald::agent::{Effect, Exchange, Progress, Task, TaskResponse, TaskRun};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::activity::Activity;
use serde_json::{Value, json};
use tracing::warn;

use crate::model::{Model, prompt};

/// The task that answers free text.
pub(crate) const ANSWER: &str = "answer";

/// Shown until there are words.
pub(crate) const STATUS: &str = "Thinking…";

/// The task of answering `question`.
pub(crate) fn task(question: &str) -> Task {
    Task::new(ANSWER).input(json!({ "question": question })).with_memory()
}

/// Asks `model` what the task is about.
pub(crate) async fn answer(
    model: &Model,
    clock: &dyn Clock,
    run: &TaskRun,
    progress: &Progress,
) -> TaskResponse {
    let question = run.task.input.0.get("question").and_then(Value::as_str).unwrap_or_default();
    progress.set_status(STATUS);
    let answer = model.answer(&prompt(&run.memory.exchanges, question), progress).await;
    let said = |text: String| Activity::message(text).ai_generated().feedback_loop();
    let Some(failure) = answer.failure else {
        let exchange = Exchange::new(question, answer.text.as_str(), clock.now());
        return TaskResponse::done([said(answer.text)]).with_effect(Effect::Remember(exchange));
    };
    warn!(error = %error_chain(&failure), "the model did not answer");
    let words = failure.in_plain_words();
    if answer.text.trim().is_empty() {
        return TaskResponse::failed(Activity::message(words));
    }
    // What was shown of the answer stays; half an answer is not worth remembering.
    let separated = format!("{}\n\n{words}", answer.text);
    TaskResponse::done([said(separated)])
}
