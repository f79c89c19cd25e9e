//! Streams on their way: the first chunk is the ack of a turn, the others are told beside the task (docs/protocol.md §6).
//! What is sent when is the shared stream's decision; how its answer is shown for good, `finish`'s.

use herald::agent::{EngineError, Progress};
use std::pin::pin;
use std::time::Duration;

use herald::aws::queue::TaskWork;
use herald::error::error_chain;
use herald::jobs::{Conclusion, Job, Plan};
use herald::streaming::{Chunk, End, Step, Stream};
use jiff::SignedDuration;
use tracing::{info, warn};

use crate::decide::is_asked;
use crate::job::Parts;
use crate::{Later, Worker};

/// How often the text so far is kept, for whoever takes over.
const KEEP: SignedDuration = SignedDuration::from_secs(10);

impl Worker {
    /// Runs a task whose answer is shown while it is made.
    ///
    /// Whoever takes over from a dead worker tells nothing of its own run: the two may differ. The answer takes the
    /// place of what was shown.
    pub(crate) async fn run_streamed(
        &self,
        work: &TaskWork,
        begun: &Stream,
        mut job: Job,
    ) -> Result<(), Later> {
        let mut stream = job.stream.clone().unwrap_or_else(|| begun.clone());
        let is_first = job.attempts == 1 && stream.is_fresh(self.clock.now());
        let told = match is_asked(&job) {
            true if is_first => Some(self.stream(work, &mut job, &mut stream).await),
            true => Some(self.run_beside(work, &mut job, &mut stream).await),
            false => None,
        };
        // Whatever the task came to by then, nobody wants it.
        let told = match stream.end {
            Some(End::StoppedByUser) => Some(Ok(stopped())),
            Some(End::HandedOver | End::EndedByChannel) | None => told,
        };
        // Before it is planned: where the engine failed, whoever runs it again must know how the stream stands.
        let job = Job { stream: Some(stream.clone()), ..job };
        let decided = async { told.unwrap_or_else(|| Ok(Plan::default())) };
        let mut planned = Box::pin(self.planned(job, true, decided)).await?;
        if !planned.is_stored {
            stream = stream.expire(self.clock.now());
            let plan = planned.job.plan.take().map(|plan| self.in_place_of(&stream, plan));
            planned.job = Job { plan, stream: Some(stream.clone()), ..planned.job };
        }
        let planned = self.effected(planned, &work.reference).await?;
        let job = if planned.is_stored { planned.job } else { self.write(planned.job).await? };
        let said = Box::pin(self.finish_stream(&job, &work.reference, &stream)).await;
        if said.is_ok() {
            self.end_stream_of(work).await;
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
    async fn stream(&self, work: &TaskWork, job: &mut Job, stream: &mut Stream) -> Result<Plan, EngineError> {
        let progress = Progress::default();
        let mut run = pin!(self.run_task(work, &progress));
        let mut kept_at = self.clock.now();
        loop {
            let now = self.clock.now();
            match stream.next(&progress.latest(), now) {
                Step::Ended if stream.end == Some(End::StoppedByUser) => {
                    info!(job.id = job.id.as_str(), "a person stopped an answer: its task is dropped");
                    return Ok(stopped());
                }
                Step::Ended => return run.await,
                Step::Wait(until) => {
                    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                    tokio::select! {
                        biased;
                        outcome = &mut run => return outcome,
                        () = progress.changed(), if until > stream.due() => {}
                        () = self.clock.sleep(wait) => {}
                    }
                }
                Step::Send(chunk) => {
                    if chunk == Chunk::Close && !self.keep_closed(job, stream).await {
                        continue;
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

    /// Runs the task beside a stream that another run began: nothing of this one is shown in it. If it takes so long that
    /// the channel would give the stream up as silent, it is closed first, so that nobody watches it in vain.
    async fn run_beside(
        &self,
        work: &TaskWork,
        job: &mut Job,
        stream: &mut Stream,
    ) -> Result<Plan, EngineError> {
        let progress = Progress::default();
        let mut run = pin!(self.run_task(work, &progress));
        let now = self.clock.now();
        if !stream.is_fresh(now) {
            return run.await;
        }
        let wait = Duration::try_from(stream.abandon_at().duration_since(now)).unwrap_or_default();
        tokio::select! {
            biased;
            outcome = &mut run => return outcome,
            () = self.clock.sleep(wait) => {}
        }
        let (outcome, ()) = tokio::join!(run, self.close(work, job, stream));
        outcome
    }

    /// Closes a stream that another run began with as much as is known of it.
    async fn close(&self, work: &TaskWork, job: &mut Job, stream: &mut Stream) {
        if !self.keep_closed(job, stream).await {
            return;
        }
        *stream = self.tell_chunk(work, job, stream, &Chunk::Close).await;
        if stream.end == Some(End::EndedByChannel) {
            // It shows more than is known of it, and is open still; or it is over, which its answer will find out.
            stream.end = None;
            let _ = self.keep_stream(job, stream).await;
        }
    }

    /// Keeps that the stream is about to be closed, before it is: whoever takes over must not take that for the answer.
    async fn keep_closed(&self, job: &mut Job, stream: &mut Stream) -> bool {
        let closed = Stream { end: Some(End::HandedOver), ..stream.clone() };
        let is_kept = self.keep_stream(job, &closed).await;
        if !is_kept {
            // It may be somebody else's now, or would be taken for the answer.
            stream.end = Some(End::EndedByChannel);
        }
        is_kept
    }

    /// Sends one chunk: what becomes of the stream by it.
    async fn tell_chunk(&self, work: &TaskWork, job: &Job, stream: &Stream, chunk: &Chunk) -> Stream {
        let activity = chunk.activity(stream, &self.engine.timeout_notice());
        let sent = self.connector.send(&work.reference, activity).await;
        if let Err(error) = &sent {
            warn!(error = %error_chain(error), job.id = job.id.as_str(), "a chunk of a stream was not taken");
        }
        stream.clone().after(chunk, sent.as_ref().map(drop), self.clock.now())
    }

    /// Keeps what was told so far, as well as can be: without it, the answer is shown in another way. Whether it is kept.
    async fn keep_stream(&self, job: &mut Job, stream: &Stream) -> bool {
        let kept = self.jobs.write(Job { stream: Some(stream.clone()), ..job.clone() }).await;
        match kept {
            Ok(Ok(kept)) => {
                *job = kept;
                return true;
            }
            Ok(Err(_fenced)) => warn!(job.id = job.id.as_str(), "lost the claim on a stream"),
            Err(error) => {
                warn!(error = %error_chain(&error), job.id = job.id.as_str(), "could not keep a stream");
            }
        }
        false
    }
}

/// Nothing to say, for the person pressed Stop.
fn stopped() -> Plan {
    Plan { conclusion: Conclusion::StoppedByUser, ..Plan::default() }
}
