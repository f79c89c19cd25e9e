//! Work that is due later: delayed by its queue where SQS can, else stored as a timer.

use std::sync::Arc;

use herald::aws::queue::{MAX_DELAY, Queue, WorkMessage};
use herald::aws::table::TimerStore;
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::JobId;
use herald::jobs::timers::{QueueTarget, Timer};
use herald::random::Random;
use jiff::Timestamp;
use tracing::error;

use crate::retry::RetryIn;

/// Schedules work for later.
#[derive(Clone)]
pub(crate) struct Timers {
    pub(crate) store: TimerStore,
    pub(crate) tasks: Queue,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

impl Timers {
    /// Stores a retry that exceeds the maximum delay of SQS as a timer and acknowledges the message.
    ///
    /// Each redelivery counts towards the end of a message in the dead-letter queue, so that a long wait must not be
    /// spent in the queue.
    pub(crate) async fn delay_long_retry(
        &self,
        done: Result<(), RetryIn>,
        queue: QueueTarget,
        body: &str,
    ) -> Result<(), RetryIn> {
        let Err(retry) = done else { return Ok(()) };
        let now = self.clock.now();
        let Some(due) = now.checked_add(retry.wait).ok().filter(|_| retry.wait > MAX_DELAY) else {
            return Err(retry);
        };
        let item = Timer::new(queue, body.to_owned(), due);
        self.store.put(&item, now).await.map_err(|error| {
            error!(error = %error_chain(&error), "could not store a timer; the message waits in its queue");
            retry
        })
    }

    /// Enqueues work that follows from `job` for when it is due: delayed by its queue where that is soon enough, else
    /// as a timer.
    pub(crate) async fn enqueue_at(
        &self,
        job: &JobId,
        work: WorkMessage,
        due: Timestamp,
    ) -> Result<(), RetryIn> {
        let now = self.clock.now();
        let retry = |cause: String| {
            error!(
                error = cause,
                job.id = job.as_str(),
                "could not enqueue delayed work; job will be retried"
            );
            RetryIn::backoff(2, &self.random)
        };
        let body = work.encode().map_err(|error| retry(error_chain(&error).to_string()))?;
        let item = Timer::new(QueueTarget::Tasks, body, due);
        match item.wait(now) {
            Some(wait) => {
                let queued = self.tasks.send_delayed_raw(item.body, wait).await;
                queued.map_err(|error| retry(error_chain(&error).to_string()))
            }
            None => {
                let stored = self.store.put(&item, now).await;
                stored.map_err(|error| retry(error_chain(&error).to_string()))
            }
        }
    }
}
