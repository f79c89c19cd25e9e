//! Queue adapter: sends work to SQS and changes the visibility of received messages.
//!
//! It does not receive work: the event source mapping of AWS Lambda does, or the local stack.

mod batch;
mod continuation;
mod dead_letters;
mod message;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

pub use self::batch::{BatchMessage, Unsent};
pub use self::continuation::{CannotContinue, MAX_STATE_BYTES, MAX_STEPS};
pub use self::dead_letters::DeadLetter;
pub use self::message::{
    DeliveriesWork, Delivery, EffectsWork, KeepAliveWork, MAX_BODY_BYTES, MessageError, ReminderWork,
    RosterWork, SignalEvent, SignalWork, TaskStep, TaskWork, TurnWork, WorkMessage,
};
use crate::aws::failure::AwsFailure;
use crate::error::BoxError;

/// Longest delay of a message: 15 minutes.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// Longest visibility timeout that is set, within the 12 hours that SQS allows.
pub const MAX_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(11 * 3600);

/// SQS queue.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use herald::aws::queue::{Queue, QueueError, WorkMessage};
///
/// async fn enqueue(queue: &Queue, work: &WorkMessage) -> Result<(), QueueError> {
///     queue.send_delayed(work, Duration::from_secs(30)).await
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// Error of a request to a queue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The work cannot be encoded; nothing was sent.
    #[error(transparent)]
    Body(#[from] MessageError),
    /// SQS was not reached or rejected the request; the work may be queued.
    #[error("could not reach queue `{queue}`")]
    Unavailable {
        /// Name of the queue.
        queue: String,
        /// The error.
        #[source]
        cause: BoxError,
    },
    /// SQS accepted only a part of a batch; the rest is not queued.
    #[error("queue `{queue}` rejected {count} messages of a batch")]
    Partial {
        /// Name of the queue.
        queue: String,
        /// Number of rejected messages.
        count: usize,
    },
}

impl Queue {
    /// Returns the queue at `url`.
    #[must_use]
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Returns the name of the queue, the last part of its URL and of its ARN.
    #[must_use]
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }

    /// Sends `work` to a FIFO queue, in the message group `group`.
    ///
    /// For five minutes SQS drops copies with the same deduplication id `dedupe`.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    pub async fn send_fifo(&self, work: &WorkMessage, group: &str, dedupe: &str) -> Result<(), QueueError> {
        self.send_fifo_raw(work.encode()?, group, dedupe).await
    }

    /// Sends an encoded `body` to a FIFO queue, as [`send_fifo`](Self::send_fifo) does.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`].
    pub async fn send_fifo_raw(&self, body: String, group: &str, dedupe: &str) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = Box::pin(request.message_group_id(group).message_deduplication_id(dedupe).send()).await;
        sent.map(drop).map_err(|error| self.unavailable(error))
    }

    /// Sends `work` to a standard queue, visible after `delay`, at most [`MAX_DELAY`].
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    pub async fn send_delayed(&self, work: &WorkMessage, delay: Duration) -> Result<(), QueueError> {
        self.send_delayed_raw(work.encode()?, delay).await
    }

    /// Sends an encoded `body` to a standard queue, as [`send_delayed`](Self::send_delayed) does.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`].
    pub async fn send_delayed_raw(&self, body: String, delay: Duration) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = Box::pin(request.delay_seconds(whole_seconds(delay.min(MAX_DELAY))).send()).await;
        sent.map(drop).map_err(|error| self.unavailable(error))
    }

    /// Sets the visibility timeout of a received message to `wait`, at most [`MAX_VISIBILITY_TIMEOUT`].
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]; the message then becomes visible after its current timeout.
    pub async fn change_visibility(&self, receipt: &str, wait: Duration) -> Result<(), QueueError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let changed =
            Box::pin(request.visibility_timeout(whole_seconds(wait.min(MAX_VISIBILITY_TIMEOUT))).send())
                .await;
        changed.map(drop).map_err(|error| self.unavailable(error))
    }

    /// Returns the attributes of the queue.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn attributes(&self) -> Result<HashMap<QueueAttributeName, String>, AwsFailure> {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = Box::pin(request.attribute_names(QueueAttributeName::All).send())
            .await
            .map_err(AwsFailure::of)?;
        Ok(answer.attributes.unwrap_or_default())
    }

    /// Opens a connection to SQS, so that the first message does not wait for it.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`], when SQS does not answer or the queue does not exist.
    pub async fn warm_up(&self) -> Result<(), AwsFailure> {
        let request = self.client.get_queue_url().queue_name(self.name());
        Box::pin(request.send()).await.map(drop).map_err(AwsFailure::of)
    }

    /// Returns the region of the client.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.client.config().region().map(AsRef::as_ref)
    }

    /// Returns the region in the URL of the queue; the URL of an emulator has none.
    #[must_use]
    pub fn region_of_url(&self) -> Option<&str> {
        let host = self.url.split("://").nth(1)?.split('/').next()?;
        host.strip_prefix("sqs.")?.split_once(".amazonaws.").map(|(region, _)| region)
    }

    fn unavailable(&self, cause: impl Into<BoxError>) -> QueueError {
        QueueError::Unavailable { queue: self.name().to_owned(), cause: cause.into() }
    }
}

/// Rounds up, so that no message becomes visible early.
fn whole_seconds(wait: Duration) -> i32 {
    let seconds = wait.as_secs_f64().ceil();
    #[expect(clippy::cast_possible_truncation, reason = "at most eleven hours")]
    let seconds = seconds as i32;
    seconds
}
