//! Activities that are answered in the HTTP response: `invoke` and `expectReplies` (protocol §6.6, §8.1).
//! There is no connector here: what cannot be said in the response is queued as a task or not said.

use std::time::Duration;

use herald::agenda::Destination;
use herald::clock::within;
use herald::engine::Outcome;
use herald::ledger::JobId;
use herald::queue::{TaskWork, Work};
use herald::task::Task;
use herald::turn::Turn;
use serde_json::{Value, json};
use tracing::error;

use crate::Inbound;
use crate::accept::{Accepted, Refusal, encoded};

/// How long the engine has.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

impl Inbound {
    pub(crate) async fn answer_inline(&self, job: &JobId, turn: &Turn) -> Result<Accepted, Refusal> {
        let answered = |status, body| Ok(Accepted::Answered { status, body });
        let is_invoke = turn.activity.is("invoke");
        let outcome = match within(self.clock.as_ref(), ENGINE_LIMIT, self.engine.on_activity(turn)).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => {
                error!(job.id = job.as_str(), "engine failed on an activity that is answered at once");
                return answered(500, Value::Null);
            }
            None => {
                error!(
                    job.id = job.as_str(),
                    "engine took longer than 5 s over an activity that is answered at once"
                );
                return answered(500, Value::Null);
            }
        };
        let (outcome, _effects) = outcome.apart();
        match outcome {
            Outcome::Invoke { status, body } => answered(status, body),
            Outcome::Reply(replies) if !is_invoke => answered(200, json!({ "activities": replies })),
            Outcome::Ignore if !is_invoke => answered(200, json!({ "activities": [] })),
            Outcome::Defer { ack, task } => {
                self.queue_task(job, turn, task).await?;
                let body = if is_invoke { json!({}) } else { json!({ "activities": [ack] }) };
                answered(200, body)
            }
            // An invoke the engine has no answer to is not implemented (protocol §8.1).
            Outcome::Reply(_) | Outcome::Ignore | Outcome::With { .. } => answered(501, Value::Null),
        }
    }

    async fn queue_task(&self, job: &JobId, turn: &Turn, task: Task) -> Result<(), Refusal> {
        let job = job.step("task", 0);
        let work = Work::Task(TaskWork::new(job.clone(), task, turn.reference.clone()));
        self.queue(&job, encoded(&work, &job)?, Destination::Tasks).await
    }
}
