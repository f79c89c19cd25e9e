//! Opening of streams: a turn opens one where its channel has them and no other is open in the conversation, and
//! releases the conversation once it is over (docs/protocol.md §6.2).

use herald::agent::Turn;
use herald::aws::queue::{TaskWork, TurnWork};
use herald::aws::table::StreamStore;
use herald::error::error_chain;
use herald::jobs::{Job, JobId, Part, Plan, State};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use herald::streaming::{Chunk, Stream, Surface, truncate_status};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::job::lease::SendResults;
use crate::job::plan::JobPlan;
use crate::retry::RetryIn;
use crate::sending::send::Sender;
use crate::sending::target::Route;

/// Status of a stream whose engine gives none.
const DEFAULT_STATUS: &str = "Working on it…";

/// Opens streams, at most one in a conversation, and releases them.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) store: StreamStore,
    pub(crate) sender: Sender,
}

impl Streams {
    /// Opens the stream of a plan before the plan is carried out. Where another is open in the conversation by then, the
    /// status is sent as a message.
    pub(crate) async fn open(&self, planned: JobPlan, turn: &Turn) -> JobPlan {
        let JobPlan { job, is_persisted } = planned;
        let is_settled = job.inline_job().is_some_and(|send| send.state.is_settled());
        match job.plan.clone() {
            Some(plan) if plan.opens_stream.is_some() && !is_settled => {
                if self.begin(&job.id, turn).await {
                    return JobPlan { job, is_persisted };
                }
                let status = plan.sends.first().and_then(|chunk| chunk.text.clone()).unwrap_or_default();
                let plan = Plan { opens_stream: None, sends: vec![Activity::message(status)], ..plan };
                JobPlan { job: Job { plan: Some(plan), ..job }, is_persisted: false }
            }
            _ => JobPlan { job, is_persisted },
        }
    }

    /// Opens a stream in the conversation of `turn`; returns whether it is the only one.
    async fn begin(&self, job: &JobId, turn: &Turn) -> bool {
        let key = self.sender.channel.references.key(&turn.reference);
        match self.store.begin(&key, job, self.sender.jobs.clock.now()).await {
            Ok(true) => true,
            Ok(false) => {
                info!(
                    job.id = job.as_str(),
                    "the answer is not streamed: another stream is open in the conversation"
                );
                false
            }
            Err(error) => {
                warn!(error = %error_chain(&error), job.id = job.as_str(), "the answer is not streamed: could not reach the table");
                false
            }
        }
    }

    /// Sends the status as a message where the channel rejected the first chunk of the stream, for the user waits.
    pub(crate) async fn fall_back_to_message(
        &self,
        job: &Job,
        sent: Result<SendResults, RetryIn>,
        route: Route<'_>,
    ) -> Result<SendResults, RetryIn> {
        let plan = job.plan.as_ref().filter(|plan| plan.opens_stream.is_some());
        let is_rejected = job.inline_job().is_some_and(|send| send.is_refused());
        let Some(status) = plan.and_then(|plan| plan.sends.first()?.text.clone()).filter(|_| is_rejected)
        else {
            return sent;
        };
        sent?;
        let id = job.id.part(Part::Unstreamed, 0);
        Box::pin(self.sender.send_all(&id, route, &[Activity::message(status)])).await
    }

    /// Ends the stream that `turn` opened, so that another can be opened in the conversation.
    pub(crate) async fn release(&self, turn: &JobId, reference: &ConversationReference) {
        let key = self.sender.channel.references.key(reference);
        if let Err(error) = self.store.end(&key, turn, self.sender.jobs.clock.now()).await {
            warn!(error = %error_chain(&error), job.id = turn.as_str(), "could not release a stream");
        }
    }

    /// Releases the stream of a turn whose first chunk the channel rejected.
    pub(crate) async fn release_if_refused(&self, work: &TurnWork, job: &Job) {
        let is_begun = job.plan.as_ref().is_some_and(|plan| plan.opens_stream.is_some());
        if is_begun && job.inline_job().is_some_and(|send| send.is_refused()) {
            self.release(&work.job, &work.turn.reference).await;
        }
    }

    /// Releases the stream that a task finished.
    pub(crate) async fn release_for_task(&self, work: &TaskWork) {
        if let (Some(turn), Some(_)) = (&work.ack, &work.stream) {
            self.release(turn, &work.reference).await;
        }
    }
}

/// Returns the ack of a streamed answer: the first chunk of a stream where the channel has them, else a message.
pub(crate) fn plan_stream(turn: &Turn, status: String) -> Plan {
    let status = if status.trim().is_empty() { DEFAULT_STATUS.to_owned() } else { status };
    match Surface::of(turn) {
        Some(surface) => {
            Plan { opens_stream: Some(surface), ..Plan::sends(vec![Chunk::first(truncate_status(&status))]) }
        }
        None => Plan::sends(vec![Activity::message(status)]),
    }
}

/// Returns the stream that the job of a turn opened, once its first chunk has an id.
pub(crate) fn stream_of(job: &Job) -> Option<Stream> {
    let plan = job.plan.as_ref()?;
    let (surface, send) = (plan.opens_stream?, job.inline_job()?);
    let began: Timestamp = send.history.iter().rfind(|entry| entry.state == State::Sending)?.at;
    let status = plan.sends.first()?.text.clone().unwrap_or_default();
    let shown = send.history.last()?.at;
    Some(Stream {
        last_request: shown,
        last_ack: shown,
        ..Stream::new(surface, send.activity_id?, status, began)
    })
}
