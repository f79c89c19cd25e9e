//! Run of a streamed task: its updates are sent while it runs (docs/protocol.md §6).
//! The chunks and their times are decided in `herald::streaming`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Engine, EngineError, Progress};
use herald::aws::queue::TaskWork;
use herald::error::error_chain;
use herald::jobs::{Conclusion, Job, Plan};
use herald::streaming::{Chunk, End, Step, Stream};
use jiff::SignedDuration;
use tracing::{info, warn};

use super::finish::plan_replacement;
use crate::job::lease::Jobs;
use crate::job::plan::{JobPlan, needs_engine};
use crate::retry::RetryIn;
use crate::sending::fallback::{Channel, Request};

/// Interval between two checkpoints of the streamed text, from which another worker continues.
const CHECKPOINT_INTERVAL: SignedDuration = SignedDuration::from_secs(10);

/// Runs tasks whose answer is streamed.
#[derive(Clone)]
pub(crate) struct StreamRunner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) channel: Channel,
    pub(crate) jobs: Jobs,
}

impl StreamRunner {
    /// Runs a task, whose answer is streamed to `opened`, and returns its plan and what became of the stream.
    ///
    /// A worker that takes over from one that crashed streams nothing of its own run, for the two may differ. Its answer
    /// replaces what was shown.
    pub(crate) async fn run_with_stream(
        &self,
        work: &TaskWork,
        opened: &Stream,
        mut job: Job,
        progress: &Progress,
        run: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<(JobPlan, Stream), RetryIn> {
        let mut stream = job.stream.clone().unwrap_or_else(|| opened.clone());
        let is_first = job.attempts == 1 && stream.can_resume(self.jobs.clock.now());
        let outcome = match needs_engine(&job) {
            true if is_first => Some(self.stream(work, &mut job, &mut stream, progress, run).await),
            true => Some(self.run_without_updates(work, &mut job, &mut stream, run).await),
            false => None,
        };
        // Whatever the task answered by then, the user does not want it.
        let outcome = match stream.end {
            Some(End::StoppedByUser) => Some(Ok(stopped())),
            Some(End::HandedOver | End::EndedByChannel) | None => outcome,
        };
        // Before it is planned: where the engine failed, the next run must know the state of the stream.
        let job = Job { stream: Some(stream.clone()), ..job };
        let decide = async { outcome.unwrap_or_else(|| Ok(Plan::default())) };
        let apology = Some(self.engine.failure_notice());
        let mut plan = Box::pin(JobPlan::replay_or_decide(&self.jobs, job, apology, decide)).await?;
        if !plan.is_persisted {
            stream = stream.expire(self.jobs.clock.now());
            let replacement = plan.job.plan.take().map(|plan| plan_replacement(&stream, plan));
            plan.job = Job { plan: replacement, stream: Some(stream.clone()), ..plan.job };
        }
        Ok((plan, stream))
    }

    /// Runs the task and streams its progress, one request at a time, until either is over.
    async fn stream(
        &self,
        work: &TaskWork,
        job: &mut Job,
        stream: &mut Stream,
        progress: &Progress,
        run: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<Plan, EngineError> {
        let mut run = pin!(run);
        let mut saved_at = self.jobs.clock.now();
        loop {
            let now = self.jobs.clock.now();
            match stream.next(&progress.latest(), now) {
                Step::Ended if stream.end == Some(End::StoppedByUser) => {
                    info!(job.id = job.id.as_str(), "the user stopped an answer: its task is cancelled");
                    return Ok(stopped());
                }
                Step::Ended => return run.await,
                Step::Wait(until) => {
                    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                    tokio::select! {
                        biased;
                        outcome = &mut run => return outcome,
                        () = progress.changed(), if until > stream.due() => {}
                        () = self.jobs.clock.sleep(wait) => {}
                    }
                }
                Step::Send(chunk) => {
                    if chunk == Chunk::Close && !self.checkpoint_closed(job, stream).await {
                        continue;
                    }
                    let mut ended = None;
                    *stream = {
                        let mut sending = pin!(self.send_chunk(work, job, stream, &chunk));
                        tokio::select! {
                            biased;
                            sent = &mut sending => sent,
                            outcome = &mut run => {
                                ended = Some(outcome);
                                sending.await
                            }
                        }
                    };
                    if let Some(outcome) = ended {
                        return outcome;
                    }
                    if self.jobs.clock.now().duration_since(saved_at) >= CHECKPOINT_INTERVAL {
                        let _ = self.checkpoint(job, stream).await;
                        saved_at = self.jobs.clock.now();
                    }
                }
            }
        }
    }

    /// Runs the task while a stream of an earlier run is open, without updates. If the channel would end the stream as
    /// inactive meanwhile, the stream is closed first.
    async fn run_without_updates(
        &self,
        work: &TaskWork,
        job: &mut Job,
        stream: &mut Stream,
        run: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<Plan, EngineError> {
        let mut run = pin!(run);
        let now = self.jobs.clock.now();
        if !stream.can_resume(now) {
            return run.await;
        }
        let wait = Duration::try_from(stream.abandon_at().duration_since(now)).unwrap_or_default();
        tokio::select! {
            biased;
            outcome = &mut run => return outcome,
            () = self.jobs.clock.sleep(wait) => {}
        }
        let (outcome, ()) = tokio::join!(run, self.close(work, job, stream));
        outcome
    }

    /// Closes a stream of an earlier run with as much text as is known of it.
    async fn close(&self, work: &TaskWork, job: &mut Job, stream: &mut Stream) {
        if !self.checkpoint_closed(job, stream).await {
            return;
        }
        *stream = self.send_chunk(work, job, stream, &Chunk::Close).await;
        if stream.end == Some(End::EndedByChannel) {
            // Either it is still open and shows more than is recorded, or it is over, which the final request detects.
            stream.end = None;
            let _ = self.checkpoint(job, stream).await;
        }
    }

    /// Records that the stream is about to be closed, so that another worker does not mistake that for the answer.
    /// Returns whether it is recorded.
    async fn checkpoint_closed(&self, job: &mut Job, stream: &mut Stream) -> bool {
        let closed = Stream { end: Some(End::HandedOver), ..stream.clone() };
        let is_saved = self.checkpoint(job, &closed).await;
        if !is_saved {
            // Another worker may have the lease now, or would mistake the end for the answer.
            stream.end = Some(End::EndedByChannel);
        }
        is_saved
    }

    /// Sends one chunk and returns the stream after it.
    async fn send_chunk(&self, work: &TaskWork, job: &Job, stream: &Stream, chunk: &Chunk) -> Stream {
        let activity = chunk.activity(stream, &self.engine.timeout_notice());
        let sent = Box::pin(self.channel.at_right_url(&work.reference, Request::Send(&activity))).await;
        if let Err(error) = &sent {
            warn!(error = %error_chain(error), job.id = job.id.as_str(), "could not send a chunk of a stream");
        }
        stream.clone().after(chunk, sent.as_ref().map(drop), self.jobs.clock.now())
    }

    /// Records the state of the stream; without that, the answer is shown in another way. Returns whether it is recorded.
    async fn checkpoint(&self, job: &mut Job, stream: &Stream) -> bool {
        let written = self.jobs.store.write(Job { stream: Some(stream.clone()), ..job.clone() }).await;
        match written {
            Ok(Ok(written)) => {
                *job = written;
                return true;
            }
            Ok(Err(_fenced)) => warn!(job.id = job.id.as_str(), "lost the lease on a streamed task"),
            Err(error) => {
                warn!(error = %error_chain(&error), job.id = job.id.as_str(), "could not record the state of a stream");
            }
        }
        false
    }
}

/// Returns the plan of a task that the user stopped: to send nothing.
pub(crate) fn stopped() -> Plan {
    Plan { conclusion: Conclusion::StoppedByUser, ..Plan::default() }
}
