//! Enqueues work; a durable timer replaces a queue that does not answer in time.

use std::sync::Arc;
use std::time::Duration;

use herald::aws::queue::{MessageError, Queue, WorkMessage};
use herald::aws::table::TimerStore;
use herald::clock::{Clock, timeout};
use herald::error::error_chain;
use herald::jobs::JobId;
use herald::jobs::timers::{QueueTarget, Timer};
use tracing::error;

/// Time limit of a queue, after which a timer is stored: within the 8 s of the HTTP response.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends work to the queues of the worker.
#[derive(Debug, Clone)]
pub(crate) struct WorkQueue {
    pub(crate) turns: Queue,
    pub(crate) tasks: Queue,
    pub(crate) timers: TimerStore,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Work in the format of a queue message.
pub(crate) struct Message {
    job: JobId,
    body: String,
}

/// Why work is not enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnqueueError {
    /// It does not fit into a queue message.
    #[error("work does not fit into a queue message")]
    TooLarge,
    /// Neither the queue nor the table accepted it, or it could not be serialized.
    #[error("work could not be stored")]
    Unavailable,
}

impl Message {
    /// Serializes the work of `job`.
    pub(crate) fn new(job: JobId, work: &WorkMessage) -> Result<Self, EnqueueError> {
        match work.encode() {
            Ok(body) => Ok(Self { job, body }),
            Err(MessageError::TooLarge { .. }) => Err(EnqueueError::TooLarge),
            Err(error) => {
                error!(error = %error_chain(&error), job.id = job.as_str(), "could not serialize work");
                Err(EnqueueError::Unavailable)
            }
        }
    }
}

impl WorkQueue {
    /// Enqueues a turn in its `group`, in order.
    pub(crate) async fn enqueue_turn(&self, message: Message, group: String) -> Result<(), EnqueueError> {
        let dedupe = message.job.as_str().to_owned();
        self.enqueue(message, QueueTarget::Turns { group, dedupe }).await
    }

    /// Enqueues work for the queue of tasks.
    pub(crate) async fn enqueue_task(&self, message: Message) -> Result<(), EnqueueError> {
        self.enqueue(message, QueueTarget::Tasks).await
    }

    /// Stores a timer that is due now when the queue does not accept the message in time: a tick moves it into the queue
    /// within about a minute, late but not lost.
    async fn enqueue(&self, message: Message, queue: QueueTarget) -> Result<(), EnqueueError> {
        let Message { job, body } = message;
        let sent = async {
            match &queue {
                QueueTarget::Turns { group, dedupe } => {
                    self.turns.send_fifo_raw(body.clone(), group, dedupe).await
                }
                QueueTarget::Tasks | QueueTarget::Deliveries => {
                    self.tasks.send_delayed_raw(body.clone(), Duration::ZERO).await
                }
            }
        };
        let problem = match timeout(self.clock.as_ref(), QUEUE_TIMEOUT, sent).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the queue took longer than 3 s".to_owned(),
        };
        error!(error = problem, job.id = job.as_str(), "could not enqueue work; it is stored as a timer");
        let now = self.clock.now();
        self.timers.put(&Timer::new(queue, body, now), now).await.map_err(|error| {
            error!(error = %error_chain(&error), job.id = job.as_str(), "could not store work; it is rejected");
            EnqueueError::Unavailable
        })
    }
}
