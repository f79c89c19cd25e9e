//! Activities that are answered in the HTTP response: `invoke` and `expectReplies` (protocol §6.6, §8.1, §8.3).
//! There is no connector here: what cannot be said in the response is queued or not said.

use std::time::Duration;

use herald::agent::effect::Effect;
use herald::agent::engine::{EngineError, Outcome};
use herald::agent::invoke;
use herald::agent::memory::Memory;
use herald::agent::task::Task;
use herald::agent::turn::Turn;
use herald::aws::queue::{EffectsWork, TaskWork, Work};
use herald::clock::timeout;
use herald::error::error_chain;
use herald::jobs::JobId;
use herald::jobs::timers::Destination;
use herald::protocol::activity::Activity;
use serde_json::{Value, json};
use tracing::{error, warn};

use crate::Inbound;
use crate::accept::{Accepted, Refusal, encoded};

/// How long the engine has.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

/// How long of that the table has, for an engine that recalls.
const MEMORY_LIMIT: Duration = Duration::from_secs(1);

impl Inbound {
    pub(crate) async fn answer_inline(&self, job: &JobId, turn: &Turn) -> Result<Accepted, Refusal> {
        let outcome = match timeout(self.clock.as_ref(), ENGINE_LIMIT, self.ask(turn)).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => {
                error!(job.id = job.as_str(), "engine failed on an activity that is answered at once");
                return Ok(self.sorry(turn));
            }
            None => {
                error!(
                    job.id = job.as_str(),
                    "engine took longer than 5 s over an activity that is answered at once"
                );
                return Ok(self.sorry(turn));
            }
        };
        let (outcome, effects) = outcome.apart();
        // Before the answer: afterwards there is nobody to do it.
        self.queue_effects(job, turn, effects).await?;
        match outcome {
            Outcome::Invoke { status, body } => Ok(answered(status, body)),
            Outcome::Reply(replies) if !is_invoke(turn) => Ok(with_activities(&replies)),
            Outcome::Ignore if !is_invoke(turn) => Ok(with_activities(&[])),
            Outcome::Defer { ack, task } => {
                self.queue_task(job, turn, task).await?;
                Ok(working_on_it(turn, ack))
            }
            Outcome::Stream { status, task } => {
                self.queue_task(job, turn, task).await?;
                Ok(working_on_it(turn, Activity::message(status)))
            }
            // An invoke the engine has no answer to is not implemented (protocol §8.1).
            Outcome::Reply(_) | Outcome::Ignore | Outcome::With { .. } => Ok(answered(501, Value::Null)),
        }
    }

    async fn ask(&self, turn: &Turn) -> Result<Response, EngineError> {
        if !self.engine.needs_memory(turn) {
            return self.engine.on_activity(turn).await;
        }
        let memory = self.recall(turn).await;
        self.engine.on_activity(&Turn { memory, ..turn.clone() }).await
    }

    /// What is kept of the conversation. An answer without it beats none: where it cannot be read, it is empty.
    async fn recall(&self, turn: &Turn) -> Memory {
        let key = self.references.key(&turn.reference);
        let read = self.memories.get(&key, self.clock.now());
        let problem = match timeout(self.clock.as_ref(), MEMORY_LIMIT, read).await {
            Some(Ok(memory)) => return memory,
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the table took longer than 1 s".to_owned(),
        };
        warn!(error = problem, reference.key = key.as_str(), "the engine is asked without its memory");
        Memory::default()
    }

    /// The answer where the engine had none in time: whoever pressed a button or waits for replies is told so.
    fn sorry(&self, turn: &Turn) -> Accepted {
        let apology = self.engine.failure_notice();
        if !is_invoke(turn) {
            return with_activities(&[apology]);
        }
        let told = invoke::failed(apology.text.unwrap_or_default());
        on_card(turn, told).unwrap_or_else(|| answered(500, Value::Null))
    }

    async fn queue_effects(&self, job: &JobId, turn: &Turn, effects: Vec<Effect>) -> Result<(), Refusal> {
        if effects.is_empty() {
            return Ok(());
        }
        let job = job.step("effects", 0);
        let reference = turn.reference.clone();
        let work =
            Work::Effects(EffectsWork { job: job.clone(), reference, effects, at: Some(self.clock.now()) });
        self.queue(&job, encoded(&work, &job)?, Destination::Tasks).await
    }

    async fn queue_task(&self, job: &JobId, turn: &Turn, task: Task) -> Result<(), Refusal> {
        let job = job.step("task", 0);
        let work = Work::Task(TaskWork::new(job.clone(), task, turn.reference.clone()));
        self.queue(&job, encoded(&work, &job)?, Destination::Tasks).await
    }
}

/// The ack is the whole answer.
fn working_on_it(turn: &Turn, ack: Activity) -> Accepted {
    if !is_invoke(turn) {
        return with_activities(&[ack]);
    }
    let told = invoke::message(ack.text.unwrap_or_else(|| "Working on it.".to_owned()));
    on_card(turn, told).unwrap_or_else(|| answered(200, json!({})))
}

fn is_invoke(turn: &Turn) -> bool {
    turn.activity.is("invoke")
}

/// `told` where the turn is a card's button, which alone has a place to show it.
fn on_card(turn: &Turn, told: Outcome) -> Option<Accepted> {
    match told {
        Outcome::Invoke { status, body } if turn.activity.name.as_deref() == Some(invoke::CARD_ACTION) => {
            Some(answered(status, body))
        }
        Outcome::Invoke { .. }
        | Outcome::Reply(_)
        | Outcome::Defer { .. }
        | Outcome::Stream { .. }
        | Outcome::Ignore
        | Outcome::With { .. } => None,
    }
}

fn with_activities(activities: &[Activity]) -> Accepted {
    answered(200, json!({ "activities": activities }))
}

fn answered(status: u16, body: Value) -> Accepted {
    Accepted::Answered { status, body }
}
