//! Streams on their way: the first chunk is the ack of a turn, the others are told beside the task (protocol §6).
//! What is sent when is the shared stream's decision; how its answer is shown for good, `finish`'s.

use std::pin::pin;
use std::time::Duration;

use herald::activity::Activity;
use herald::engine::EngineError;
use herald::ledger::{Job, JobId, Plan, State, Verdict};
use herald::progress::Progress;
use herald::queue::TaskWork;
use herald::stream::{Chunk, End, Step, Stream, Surface, status_of};
use herald::telemetry::causes;
use herald::turn::Turn;
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::decide::is_asked;
use crate::job::Parts;
use crate::send::Route;
use crate::{Later, Worker};

/// What is shown where an engine has no words for what it does.
const NO_STATUS: &str = "Working on it…";

/// How often the text so far is kept, for whoever takes over.
const KEEP: SignedDuration = SignedDuration::from_secs(10);

impl Worker {
    /// The first word of a streamed answer: the first chunk of a stream, where one can be begun, or else a message.
    pub(crate) async fn begin_stream(&self, job: &JobId, turn: &Turn, status: String) -> Plan {
        let status = if status.trim().is_empty() { NO_STATUS.to_owned() } else { status };
        let Some(surface) = Surface::of(turn) else {
            return Plan::sends(vec![Activity::message(status)]);
        };
        let key = self.references.key(&turn.reference);
        match self.streams.begin(&key, job, self.clock.now()).await {
            Ok(true) => Plan { begins: Some(surface), ..Plan::sends(vec![Chunk::first(status_of(&status))]) },
            Ok(false) => {
                info!(
                    job.id = job.as_str(),
                    "another answer is streamed in the conversation: this one is not"
                );
                Plan::sends(vec![Activity::message(status)])
            }
            Err(error) => {
                warn!(error = %causes(&error), job.id = job.as_str(), "an answer is not streamed: no table");
                Plan::sends(vec![Activity::message(status)])
            }
        }
    }

    /// The parts of a turn whose first chunk the channel refused: its status as a message, for somebody waits.
    pub(crate) async fn without_stream(
        &self,
        job: &Job,
        said: Result<Parts, Later>,
        route: Route<'_>,
    ) -> Result<Parts, Later> {
        let plan = job.plan.as_ref().filter(|plan| plan.begins.is_some());
        let is_refused = job.send().is_some_and(|send| send.state == State::Failed);
        let Some(status) = plan.and_then(|plan| plan.sends.first()?.text.clone()).filter(|_| is_refused)
        else {
            return said;
        };
        said?;
        let id = job.id.step("unstreamed", 0);
        Box::pin(self.send_all(&id, route, &[Activity::message(status)])).await
    }

    /// Runs a task whose answer is shown while it is made.
    ///
    /// Whoever takes over from a dead worker tells nothing of its own run: the two may differ. The answer takes the
    /// place of what was shown.
    pub(crate) async fn run_streamed(&self, work: &TaskWork, begun: &Stream, job: Job) -> Result<(), Later> {
        let mut stream = job.stream.clone().unwrap_or_else(|| begun.clone());
        let is_first = job.attempts == 1 && stream.is_fresh(self.clock.now());
        let told = match is_asked(&job) {
            true if is_first => Some(self.stream(work, &job, &mut stream).await),
            true => Some(self.run_task(work, &Progress::default()).await),
            false => None,
        };
        // Whatever the task came to by then, nobody wants it.
        let told = match stream.end {
            Some(End::Stopped) => Some(Ok(stopped())),
            Some(End::Closed | End::Over) | None => told,
        };
        // Before it is planned: where the engine failed, whoever runs it again must know how the stream stands.
        let job = Job { stream: Some(stream.clone()), ..job };
        let decided = async { told.unwrap_or_else(|| Ok(Plan::default())) };
        let mut planned = Box::pin(self.planned(job, true, decided)).await?;
        if !planned.is_stored {
            stream = stream.when_answered(self.clock.now());
            let plan = planned.job.plan.take().map(|plan| self.in_place_of(&stream, plan));
            planned.job = Job { plan, stream: Some(stream.clone()), ..planned.job };
        }
        let planned = self.effected(planned, &work.reference).await?;
        let job = if planned.is_stored { planned.job } else { self.write(planned.job).await? };
        let said = Box::pin(self.finish_stream(&job, &work.reference, &stream)).await;
        if said.is_ok() {
            self.end_stream(work).await;
        }
        match said {
            Ok(Some(parts)) => self.go_on_or_end(work, job, Ok(parts)).await,
            // Nothing of it is wanted, nor what would follow.
            Ok(None) => {
                let job = Job { plan: Some(stopped()), ..job };
                self.go_on_or_end(work, job, Ok(Parts::default())).await
            }
            Err(later) => self.go_on_or_end(work, job, Err(later)).await,
        }
    }

    /// Runs the task and tells the stream what it says, one request at a time, until either is over.
    async fn stream(&self, work: &TaskWork, job: &Job, stream: &mut Stream) -> Result<Plan, EngineError> {
        let progress = Progress::default();
        let mut run = pin!(self.run_task(work, &progress));
        let mut kept_at = self.clock.now();
        loop {
            let now = self.clock.now();
            match stream.next(&progress.latest(), now) {
                Step::Over if stream.end == Some(End::Stopped) => {
                    info!(job.id = job.id.as_str(), "a person stopped an answer: its task is dropped");
                    return Ok(stopped());
                }
                Step::Over => return run.await,
                Step::Wait(until) => {
                    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                    tokio::select! {
                        biased;
                        outcome = &mut run => return outcome,
                        () = progress.changed() => {}
                        () = self.clock.sleep(wait) => {}
                    }
                }
                Step::Send(chunk) => {
                    if chunk == Chunk::Close {
                        // Before it is sent: whoever takes over must not take it for the answer.
                        let closed = Stream { end: Some(End::Closed), ..stream.clone() };
                        if !self.keep_stream(job, &closed).await {
                            // It may be somebody else's now, or would be taken for the answer.
                            stream.end = Some(End::Over);
                            continue;
                        }
                    }
                    let mut ended = None;
                    *stream = {
                        let mut telling = pin!(self.tell_chunk(work, job, stream, &chunk));
                        tokio::select! {
                            biased;
                            told = &mut telling => told,
                            outcome = &mut run => {
                                ended = Some(outcome);
                                telling.await
                            }
                        }
                    };
                    if let Some(outcome) = ended {
                        return outcome;
                    }
                    if self.clock.now().duration_since(kept_at) >= KEEP {
                        let _ = self.keep_stream(job, stream).await;
                        kept_at = self.clock.now();
                    }
                }
            }
        }
    }

    /// Sends one chunk: what becomes of the stream by it.
    async fn tell_chunk(&self, work: &TaskWork, job: &Job, stream: &Stream, chunk: &Chunk) -> Stream {
        let activity = chunk.activity(stream, &self.engine.closing());
        let sent = self.connector.send(&work.reference, activity).await;
        if let Err(error) = &sent {
            warn!(error = %causes(error), job.id = job.id.as_str(), "a chunk of a stream was not taken");
        }
        stream.clone().after(chunk, sent.as_ref().map(drop), self.clock.now())
    }

    /// Keeps what was told so far, as well as can be: without it, the answer is shown in another way. Whether it is kept.
    async fn keep_stream(&self, job: &Job, stream: &Stream) -> bool {
        let kept = self.jobs.write(Job { stream: Some(stream.clone()), ..job.clone() }).await;
        match kept {
            Ok(Ok(_)) => return true,
            Ok(Err(_fenced)) => warn!(job.id = job.id.as_str(), "lost the claim on a stream"),
            Err(error) => {
                warn!(error = %causes(&error), job.id = job.id.as_str(), "could not keep a stream");
            }
        }
        false
    }

    async fn end_stream(&self, work: &TaskWork) {
        let Some(turn) = &work.ack else { return };
        let key = self.references.key(&work.reference);
        if let Err(error) = self.streams.end(&key, turn, self.clock.now()).await {
            warn!(error = %causes(&error), job.id = work.job.as_str(), "could not end a stream");
        }
    }
}

/// The stream that a turn's job began, once its first chunk is shown and has an id.
pub(crate) fn stream_of(job: &Job) -> Option<Stream> {
    let plan = job.plan.as_ref()?;
    let (surface, send) = (plan.begins?, job.send()?);
    let began: Timestamp = send.history.iter().rfind(|entry| entry.state == State::Sending)?.at;
    let status = plan.sends.first()?.text.clone().unwrap_or_default();
    let shown = send.history.last()?.at;
    Some(Stream { last: shown, heard: shown, ..Stream::begun(surface, send.activity_id?, status, began) })
}

/// Nothing to say, for the person pressed Stop.
fn stopped() -> Plan {
    Plan { verdict: Verdict::Stopped, ..Plan::default() }
}
