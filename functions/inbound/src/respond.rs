//! Responds to activities in the HTTP response: `invoke` and `expectReplies` (docs/protocol.md §6.6, §8.1, §8.3).
//! There is no connector here: effects and tasks are enqueued, and a message that the response cannot hold is not sent.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::invoke;
use herald::agent::{Effect, Engine, EngineError, Memory, Outcome, Response, Task, Turn};
use herald::aws::queue::{EffectsWork, TaskWork, WorkMessage};
use herald::aws::table::{MemoryStore, ReferenceStore};
use herald::clock::{Clock, timeout};
use herald::error::error_chain;
use herald::jobs::{JobId, Part};
use herald::protocol::activity::Activity;
use herald::protocol::text::{invoke_without_stray_mentions, without_stray_mentions};
use serde_json::{Value, json};
use tracing::{error, warn};

use crate::work_queue::{EnqueueError, Message, WorkQueue};

/// Time limit of the engine.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(5);

/// Part of that limit that the table has, for an engine that needs memory.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(1);

/// Asks the engine and builds the HTTP response.
pub(crate) struct Responder {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) references: ReferenceStore,
    pub(crate) memories: MemoryStore,
    pub(crate) work: WorkQueue,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The content of an HTTP response.
pub(crate) struct InlineResponse {
    /// HTTP status.
    pub(crate) status: u16,
    /// JSON body; null for none.
    pub(crate) body: Value,
}

impl Responder {
    /// Asks the engine about `turn` and returns its response, once effects and task are enqueued.
    pub(crate) async fn respond(&self, job: &JobId, turn: &Turn) -> Result<InlineResponse, EnqueueError> {
        let Response { outcome, effects } =
            match timeout(self.clock.as_ref(), ENGINE_TIMEOUT, self.call_engine(turn)).await {
                Some(Ok(response)) => response,
                Some(Err(failure)) => {
                    let failure = failure.loggable();
                    error!(
                        job.id = job.as_str(),
                        error = failure,
                        "the engine failed to answer an activity inline"
                    );
                    return Ok(self.error_response(turn));
                }
                None => {
                    error!(job.id = job.as_str(), "engine took longer than 5 s to answer an activity inline");
                    return Ok(self.error_response(turn));
                }
            };
        // Before the response: the function does nothing after it.
        self.enqueue_effects(job, turn, effects).await?;
        match outcome {
            Outcome::Invoke { status, body } => Ok(response(status, invoke_without_stray_mentions(body))),
            Outcome::Reply(replies) if !is_invoke(turn) => Ok(activities_response(replies)),
            Outcome::Ignore if !is_invoke(turn) => Ok(activities_response(Vec::new())),
            Outcome::Defer { ack, task } => {
                self.enqueue_task(job, turn, task).await?;
                Ok(deferred_response(turn, ack))
            }
            Outcome::Stream { status, task } => {
                self.enqueue_task(job, turn, task).await?;
                Ok(deferred_response(turn, Activity::message(status)))
            }
            // An invoke the engine has no answer to is not implemented (docs/protocol.md §8.1).
            Outcome::Reply(_) | Outcome::Ignore => Ok(response(501, Value::Null)),
        }
    }

    async fn call_engine(&self, turn: &Turn) -> Result<Response, EngineError> {
        if !self.engine.needs_memory(turn) {
            return self.engine.on_activity(turn).await;
        }
        let memory = self.load_memory(turn).await;
        self.engine.on_activity(&Turn { memory, ..turn.clone() }).await
    }

    /// Returns the conversation's memory; empty where it cannot be read, so that the engine answers without it.
    async fn load_memory(&self, turn: &Turn) -> Memory {
        let key = self.references.key(&turn.reference);
        let read = self.memories.get(&key, self.clock.now());
        let problem = match timeout(self.clock.as_ref(), MEMORY_TIMEOUT, read).await {
            Some(Ok(memory)) => return memory,
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the table took longer than 1 s".to_owned(),
        };
        warn!(
            error = problem,
            reference.key = key.as_str(),
            "could not load memory; the engine is called without it"
        );
        Memory::default()
    }

    /// Returns the response when the engine failed or timed out: its failure notice, to what is meant for the agent.
    fn error_response(&self, turn: &Turn) -> InlineResponse {
        let notice = self.engine.failure_notice();
        if !is_invoke(turn) {
            return activities_response(if turn.is_addressed() { vec![notice] } else { Vec::new() });
        }
        let failed = invoke::failed(notice.text.unwrap_or_default());
        card_response(turn, failed).unwrap_or_else(|| response(500, Value::Null))
    }

    async fn enqueue_effects(
        &self,
        job: &JobId,
        turn: &Turn,
        effects: Vec<Effect>,
    ) -> Result<(), EnqueueError> {
        if effects.is_empty() {
            return Ok(());
        }
        let job = job.part(Part::Effects, 0);
        let reference = turn.reference.clone();
        let work = WorkMessage::Effects(EffectsWork {
            job: job.clone(),
            reference,
            effects,
            at: Some(self.clock.now()),
        });
        self.work.enqueue_task(Message::new(job, &work)?).await
    }

    async fn enqueue_task(&self, job: &JobId, turn: &Turn, task: Task) -> Result<(), EnqueueError> {
        let job = job.part(Part::Task, 0);
        let task = TaskWork::new(job.clone(), task, turn.reference.clone());
        let work = WorkMessage::Task(TaskWork { asked_at: Some(self.clock.now()), ..task });
        self.work.enqueue_task(Message::new(job, &work)?).await
    }
}

/// Returns the response of a deferred turn: only its ack.
fn deferred_response(turn: &Turn, ack: Activity) -> InlineResponse {
    if !is_invoke(turn) {
        return activities_response(vec![ack]);
    }
    let message = invoke::message(ack.text.unwrap_or_else(|| "Working on it.".to_owned()));
    card_response(turn, message).unwrap_or_else(|| response(200, json!({})))
}

fn is_invoke(turn: &Turn) -> bool {
    turn.activity.is("invoke")
}

/// Returns `invoked` where the turn is a button of a card, the only invoke that shows it.
fn card_response(turn: &Turn, invoked: Response) -> Option<InlineResponse> {
    match invoked.outcome {
        Outcome::Invoke { status, body } if turn.activity.name.as_deref() == Some(invoke::CARD_ACTION) => {
            Some(response(status, invoke_without_stray_mentions(body)))
        }
        Outcome::Invoke { .. }
        | Outcome::Reply(_)
        | Outcome::Defer { .. }
        | Outcome::Stream { .. }
        | Outcome::Ignore => None,
    }
}

fn activities_response(activities: Vec<Activity>) -> InlineResponse {
    let activities: Vec<Activity> = activities.into_iter().map(without_stray_mentions).collect();
    response(200, json!({ "activities": activities }))
}

fn response(status: u16, body: Value) -> InlineResponse {
    InlineResponse { status, body }
}
