//! Handler of a keep-alive: shows the status of a stream again while its task waits in its queue, and closes the stream
//! before the channel ends it.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Engine, Progress};
use herald::aws::queue::{KeepAliveWork, Queue, WorkMessage};
use herald::error::error_chain;
use herald::jobs::waiting;
use herald::streaming::{Chunk, Step, Stream};
use tracing::{info, warn};

use crate::job::lease::{JOB_TTL, Jobs};
use crate::retry::RetryIn;
use crate::sending::fallback::{Channel, Request};

/// Keeps streams alive.
#[derive(Clone)]
pub(crate) struct KeepAliveHandler {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) channel: Channel,
    pub(crate) jobs: Jobs,
    pub(crate) deliveries: Queue,
}

impl KeepAliveHandler {
    /// Enqueues the next keep-alive of a stream. A failure costs a silence that the channel may end the stream for; its answer
    /// is then a message.
    pub(crate) async fn enqueue(&self, work: KeepAliveWork) {
        let task = work.task.clone();
        let wait = work.stream.keep_alive_at().duration_since(self.jobs.clock.now());
        let wait = Duration::try_from(wait).unwrap_or_default();
        if let Err(error) = self.deliveries.send_delayed(&WorkMessage::KeepAlive(work), wait).await {
            warn!(error = %error_chain(&error), job.id = task.as_str(), "could not enqueue the keep-alive of a stream");
        }
    }

    /// Keeps a stream alive, unless a worker has claimed its task.
    pub(crate) async fn handle(&self, work: KeepAliveWork) -> Result<(), RetryIn> {
        let now = self.jobs.clock.now();
        let chunk = match work.stream.next(&Progress::default().latest(), now) {
            Step::Ended => return Ok(()),
            Step::Wait(_) if self.is_claimed(&work).await? => return Ok(()),
            Step::Wait(until) => {
                let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                return Err(RetryIn::after(wait.max(Duration::from_secs(1))));
            }
            Step::Send(chunk) => chunk,
        };
        let reserved = work.stream.reserve(&chunk, now);
        if !self.store(&work, &reserved, work.stream.sequence).await? {
            return Ok(());
        }
        let stream = self.send(&work, &chunk).await;
        if chunk == Chunk::Close {
            info!(job.id = work.task.as_str(), "closed a stream whose task waits in its queue");
        }
        // Where that fails, the task continues after the chunk all the same.
        let is_stored = self.store(&work, &stream, reserved.sequence).await.unwrap_or_default();
        if is_stored && stream.end.is_none() {
            self.enqueue(KeepAliveWork { stream, ..work }).await;
        }
        Ok(())
    }

    /// Whether a worker has claimed the task, or it is settled.
    async fn is_claimed(&self, work: &KeepAliveWork) -> Result<bool, RetryIn> {
        let job = self.jobs.store.get(&work.task).await;
        let job = job.map_err(|error| self.jobs.retry_after_store_error(&error, &work.task))?;
        Ok(job.is_some_and(|job| job.attempts > 0 || job.state.is_settled()))
    }

    /// Stores the stream for the worker that claims the task; returns whether none has.
    async fn store(&self, work: &KeepAliveWork, stream: &Stream, sequence: u32) -> Result<bool, RetryIn> {
        let now = self.jobs.clock.now();
        let expires_at = now.checked_add(JOB_TTL).unwrap_or(now);
        let job = waiting(work.task.clone(), stream.clone(), expires_at, now);
        let stored = self.jobs.store.keep_stream(job, sequence).await;
        stored.map_err(|error| self.jobs.retry_after_store_error(&error, &work.task))
    }

    /// Sends one chunk and returns the stream after it.
    async fn send(&self, work: &KeepAliveWork, chunk: &Chunk) -> Stream {
        let activity = chunk.activity(&work.stream, &self.engine.timeout_notice());
        let sent = Box::pin(self.channel.at_right_url(&work.reference, Request::Send(&activity))).await;
        if let Err(error) = &sent {
            warn!(error = %error_chain(error), job.id = work.task.as_str(), "could not keep a stream alive");
        }
        work.stream.clone().after(chunk, sent.as_ref().map(drop), self.jobs.clock.now())
    }
}
