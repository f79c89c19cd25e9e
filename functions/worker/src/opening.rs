//! Which answers are streamed: a turn begins a stream where its channel has them and no other is open in the
//! conversation, and lets others begin once it is over (docs/protocol.md §6.2). What a stream shows is `stream`'s.

use herald::agent::Turn;
use herald::aws::queue::{TaskWork, TurnWork};
use herald::error::error_chain;
use herald::jobs::{Job, JobId, Plan, State};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use herald::streaming::{Chunk, Stream, Surface, status_of};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::decide::Planned;
use crate::job::Parts;
use crate::send::Route;
use crate::{Later, Worker};

/// What is shown where an engine has no words for what it does.
const NO_STATUS: &str = "Working on it…";

impl Worker {
    /// The first word of a streamed answer: the first chunk of a stream, where one can be begun, or else a message.
    pub(crate) async fn begin_stream(&self, job: &JobId, turn: &Turn, status: String) -> Plan {
        let status = if status.trim().is_empty() { NO_STATUS.to_owned() } else { status };
        let Some(surface) = Surface::of(turn) else {
            return Plan::sends(vec![Activity::message(status)]);
        };
        let key = self.references.key(&turn.reference);
        match self.streams.begin(&key, job, self.clock.now()).await {
            Ok(true) => {
                Plan { opens_stream: Some(surface), ..Plan::sends(vec![Chunk::first(status_of(&status))]) }
            }
            Ok(false) => {
                info!(
                    job.id = job.as_str(),
                    "another answer is streamed in the conversation: this one is not"
                );
                Plan::sends(vec![Activity::message(status)])
            }
            Err(error) => {
                warn!(error = %error_chain(&error), job.id = job.as_str(), "an answer is not streamed: no table");
                Plan::sends(vec![Activity::message(status)])
            }
        }
    }

    /// A stored plan that begins a stream, before it is carried out: its time may be over by now, and another stream open.
    pub(crate) async fn begun_again(&self, planned: Planned, turn: &Turn) -> Planned {
        let Planned { job, is_stored: true } = planned else { return planned };
        let is_settled = job.inline_job().is_some_and(|send| send.state.is_settled());
        match job.plan.clone() {
            Some(plan) if plan.opens_stream.is_some() && !is_settled => {
                let status = plan.sends.first().and_then(|chunk| chunk.text.clone()).unwrap_or_default();
                let begun = self.begin_stream(&job.id, turn, status).await;
                let is_stored = begun.opens_stream.is_some();
                let plan = Plan { opens_stream: begun.opens_stream, sends: begun.sends, ..plan };
                Planned { job: Job { plan: Some(plan), ..job }, is_stored }
            }
            _ => Planned { job, is_stored: true },
        }
    }

    /// The parts of a turn whose first chunk the channel refused: its status as a message, for somebody waits.
    pub(crate) async fn without_stream(
        &self,
        job: &Job,
        said: Result<Parts, Later>,
        route: Route<'_>,
    ) -> Result<Parts, Later> {
        let plan = job.plan.as_ref().filter(|plan| plan.opens_stream.is_some());
        let is_refused = job.inline_job().is_some_and(|send| send.is_refused());
        let Some(status) = plan.and_then(|plan| plan.sends.first()?.text.clone()).filter(|_| is_refused)
        else {
            return said;
        };
        said?;
        let id = job.id.step("unstreamed", 0);
        Box::pin(self.send_all(&id, route, &[Activity::message(status)])).await
    }

    /// Lets other answers be streamed in the conversation again, once the one that `turn` began is over.
    pub(crate) async fn end_stream(&self, turn: &JobId, reference: &ConversationReference) {
        let key = self.references.key(reference);
        if let Err(error) = self.streams.end(&key, turn, self.clock.now()).await {
            warn!(error = %error_chain(&error), job.id = turn.as_str(), "could not end a stream");
        }
    }

    /// The same where the channel refused to begin it.
    pub(crate) async fn end_refused_stream(&self, work: &TurnWork, job: &Job) {
        let is_begun = job.plan.as_ref().is_some_and(|plan| plan.opens_stream.is_some());
        if is_begun && job.inline_job().is_some_and(|send| send.is_refused()) {
            self.end_stream(&work.job, &work.turn.reference).await;
        }
    }

    /// The same for the task whose answer it is.
    pub(crate) async fn end_stream_of(&self, work: &TaskWork) {
        if let (Some(turn), Some(_)) = (&work.ack, &work.stream) {
            self.end_stream(turn, &work.reference).await;
        }
    }
}

/// The stream that a turn's job began, once its first chunk is shown and has an id.
pub(crate) fn stream_of(job: &Job) -> Option<Stream> {
    let plan = job.plan.as_ref()?;
    let (surface, send) = (plan.opens_stream?, job.inline_job()?);
    let began: Timestamp = send.history.iter().rfind(|entry| entry.state == State::Sending)?.at;
    let status = plan.sends.first()?.text.clone().unwrap_or_default();
    let shown = send.history.last()?.at;
    Some(Stream {
        last_request: shown,
        last_ack: shown,
        ..Stream::begun(surface, send.activity_id?, status, began)
    })
}
