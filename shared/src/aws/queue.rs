//! The queue adapter: work into SQS, and what a worker says of it back (design: queues).
//! Receiving is AWS Lambda's event source mapping, or the local stack's in its place.

mod continuation;
mod dead_letters;
mod message;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};

pub use self::continuation::{CannotContinue, MAX_STATE_BYTES, MAX_STEPS};
pub use self::dead_letters::DeadLetter;
pub use self::message::{
    DeliveriesWork, Delivery, EffectsWork, MAX_BODY_BYTES, MessageError, ReminderWork, RosterWork, TaskStep,
    TaskWork, TurnWork, WorkMessage,
};
use crate::aws::failure::AwsFailure;
use crate::error::BoxError;

/// Longest SQS delays a message: 15 minutes.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// Longest a message in hand is hidden, within the 12 hours of SQS.
pub const MAX_HIDDEN: Duration = Duration::from_secs(11 * 3600);

/// Most messages of one batch.
const MAX_BATCH: usize = 10;

/// One SQS queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// Why work could not be queued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// It does not fit; nothing was queued.
    #[error(transparent)]
    Body(#[from] MessageError),
    /// The queue could not be reached or refused; the work may or may not be there.
    #[error("queue `{queue}` did not take the work")]
    Unavailable {
        /// The queue's name.
        queue: String,
        /// What happened.
        #[source]
        cause: BoxError,
    },
    /// The queue took only a part of a batch; the rest is not there.
    #[error("queue `{queue}` refused {count} messages of a batch")]
    Partial {
        /// The queue's name.
        queue: String,
        /// How many it refused.
        count: usize,
    },
}

impl Queue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// The queue's name, the last part of its URL and of its ARN.
    #[must_use]
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }

    /// Queues `work` behind the other work of its `group`; a copy with the same `dedupe` id is dropped for
    /// five minutes. For FIFO queues.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    pub async fn send_fifo(&self, work: &WorkMessage, group: &str, dedupe: &str) -> Result<(), QueueError> {
        self.send_fifo_raw(work.encode()?, group, dedupe).await
    }

    /// The same with work that is a `body` already.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`].
    pub async fn send_fifo_raw(&self, body: String, group: &str, dedupe: &str) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = request.message_group_id(group).message_deduplication_id(dedupe).send().await;
        sent.map(drop).map_err(|error| self.unavailable(error))
    }

    /// Queues `work`, to be seen after `delay`, at most [`MAX_DELAY`]. For standard queues.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    pub async fn send_delayed(&self, work: &WorkMessage, delay: Duration) -> Result<(), QueueError> {
        self.send_delayed_raw(work.encode()?, delay).await
    }

    /// The same with work that is a `body` already.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`].
    pub async fn send_delayed_raw(&self, body: String, delay: Duration) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = request.delay_seconds(whole_seconds(delay.min(MAX_DELAY))).send().await;
        sent.map(drop).map_err(|error| self.unavailable(error))
    }

    /// Queues all of `works`, each with the fair-queue group it counts towards. For standard queues.
    ///
    /// # Errors
    ///
    /// [`QueueError`]; what was queued before the error stays queued.
    pub async fn send_all(&self, works: &[(WorkMessage, String)]) -> Result<(), QueueError> {
        let mut batch: Vec<SendMessageBatchRequestEntry> = Vec::new();
        let mut bytes = 0;
        for (work, group) in works {
            let body = work.encode()?;
            if batch.len() == MAX_BATCH || bytes + body.len() > MAX_BODY_BYTES {
                self.send_batch(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += body.len();
            let entry = SendMessageBatchRequestEntry::builder()
                .id(batch.len().to_string())
                .message_body(body)
                .message_group_id(group)
                .build();
            batch.push(entry.map_err(|error| self.unavailable(error))?);
        }
        if batch.is_empty() { Ok(()) } else { self.send_batch(batch).await }
    }

    /// Has the message that `receipt` names come back after `wait`, at most [`MAX_HIDDEN`], and not before.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]; the message then comes back when the queue's own time is over.
    pub async fn change_visibility(&self, receipt: &str, wait: Duration) -> Result<(), QueueError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let changed = request.visibility_timeout(whole_seconds(wait.min(MAX_HIDDEN))).send().await;
        changed.map(drop).map_err(|error| self.unavailable(error))
    }

    /// What SQS says of the queue.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn attributes(&self) -> Result<HashMap<QueueAttributeName, String>, AwsFailure> {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(QueueAttributeName::All).send().await.map_err(AwsFailure::of)?;
        Ok(answer.attributes.unwrap_or_default())
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.client.config().region().map(AsRef::as_ref)
    }

    /// The region that the URL names; emulators' names none.
    #[must_use]
    pub fn region_of_url(&self) -> Option<&str> {
        let host = self.url.split("://").nth(1)?.split('/').next()?;
        host.strip_prefix("sqs.")?.split_once(".amazonaws.").map(|(region, _)| region)
    }

    async fn send_batch(&self, batch: Vec<SendMessageBatchRequestEntry>) -> Result<(), QueueError> {
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(batch));
        let answer = request.send().await.map_err(|error| self.unavailable(error))?;
        match answer.failed().len() {
            0 => Ok(()),
            count => Err(QueueError::Partial { queue: self.name().to_owned(), count }),
        }
    }

    fn unavailable(&self, cause: impl Into<BoxError>) -> QueueError {
        QueueError::Unavailable { queue: self.name().to_owned(), cause: cause.into() }
    }
}

/// Rounded up, so that nothing comes early.
fn whole_seconds(wait: Duration) -> i32 {
    let seconds = wait.as_secs_f64().ceil();
    #[expect(clippy::cast_possible_truncation, reason = "at most eleven hours")]
    let seconds = seconds as i32;
    seconds
}
