//! Batches: many messages in few requests. Of a batch that SQS accepted in part, only the rest is sent again.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::{MAX_BODY_BYTES, MAX_DELAY, Queue, QueueError, WorkMessage, whole_seconds};
use crate::error::BoxError;

/// Most messages in one batch.
pub(super) const MAX_BATCH: usize = 10;

/// Most requests for one batch, the repetitions for what SQS did not accept included.
const MAX_ROUNDS: usize = 3;

/// Message of a batch, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchMessage {
    body: String,
    group: Option<String>,
    dedupe: Option<String>,
    delay_seconds: Option<i32>,
}

impl BatchMessage {
    /// Returns a message to a standard queue, visible after `delay`, at most [`MAX_DELAY`].
    #[must_use]
    pub fn delayed(body: String, delay: Duration) -> Self {
        Self { body, group: None, dedupe: None, delay_seconds: Some(whole_seconds(delay.min(MAX_DELAY))) }
    }

    /// Returns a message to a FIFO queue, in the message group `group`.
    #[must_use]
    pub fn fifo(body: String, group: String, dedupe: String) -> Self {
        Self { body, group: Some(group), dedupe: Some(dedupe), delay_seconds: None }
    }
}

/// Error of a batch that was not sent as a whole; the other messages are queued.
#[derive(Debug, thiserror::Error)]
#[error("{} messages of a batch were not queued", indexes.len())]
pub struct Unsent {
    /// The positions of the messages that may not be queued.
    pub indexes: Vec<usize>,
    /// The error of the first of them.
    #[source]
    pub error: QueueError,
}

/// Messages for one request, by their positions.
type Batch = Vec<(usize, BatchMessage)>;

impl Queue {
    /// Sends all of `works` to a standard queue in batches, each with its fair-queue group and its delay, at most
    /// [`MAX_DELAY`]. A delay is rounded down: the worker waits for the rest.
    ///
    /// # Errors
    ///
    /// [`QueueError`]; what was sent before the error stays queued.
    pub async fn send_all(&self, works: &[(WorkMessage, String, Duration)]) -> Result<(), QueueError> {
        let mut messages = Vec::new();
        for (work, group, delay) in works {
            let delay = i32::try_from((*delay).min(MAX_DELAY).as_secs()).unwrap_or_default();
            messages.push(BatchMessage {
                body: work.encode()?,
                group: Some(group.clone()),
                dedupe: None,
                delay_seconds: Some(delay),
            });
        }
        self.send_batches(messages).await.map_err(|unsent| unsent.error)
    }

    /// Sends `messages` in batches, in their order.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: the messages that the queue did not accept. After a request that fails as a whole no other is made.
    pub async fn send_batches(&self, messages: Vec<BatchMessage>) -> Result<(), Unsent> {
        let mut rejected = Vec::new();
        let mut batches = batches(messages).into_iter();
        while let Some(batch) = batches.next() {
            match self.send_batch(batch).await {
                Ok(failed) => rejected.extend(failed),
                Err((failed, error)) => {
                    let unsent = failed.into_iter().chain(batches.flatten());
                    rejected.extend(unsent.map(|(index, _)| index));
                    return Err(Unsent { indexes: rejected, error });
                }
            }
        }
        match rejected.len() {
            0 => Ok(()),
            count => {
                let error = QueueError::Partial { queue: self.name().to_owned(), count };
                Err(Unsent { indexes: rejected, error })
            }
        }
    }

    /// Sends one batch and returns the positions of the messages that the queue did not accept. A message that failed by a
    /// fault of the service is sent again with the others that did.
    async fn send_batch(&self, mut pending: Batch) -> Result<Vec<usize>, (Batch, QueueError)> {
        let mut rejected = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let failed = match self.request_batch(&pending).await {
                Ok(failed) => failed,
                Err(error) => return Err((pending, self.unavailable(error))),
            };
            let (again, refused): (Vec<_>, Vec<_>) =
                failed.into_iter().partition(|(_, by_sender)| !by_sender);
            rejected.extend(refused.into_iter().map(|(index, _)| index));
            pending.retain(|(index, _)| again.iter().any(|(failed, _)| failed == index));
            if pending.is_empty() {
                break;
            }
        }
        rejected.extend(pending.into_iter().map(|(index, _)| index));
        Ok(rejected)
    }

    /// Makes one request; returns the positions of the messages that failed, each with whether the message is at fault.
    async fn request_batch(&self, batch: &[(usize, BatchMessage)]) -> Result<Vec<(usize, bool)>, BoxError> {
        let mut entries = Vec::new();
        for (index, message) in batch {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(&message.body)
                .set_message_group_id(message.group.clone())
                .set_message_deduplication_id(message.dedupe.clone())
                .set_delay_seconds(message.delay_seconds);
            entries.push(entry.build()?);
        }
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = Box::pin(request.send()).await?;
        let failed = answer.failed().iter();
        failed.map(|failure| Ok((failure.id().parse()?, failure.sender_fault()))).collect()
    }
}

/// Divides messages by what one request takes.
fn batches(messages: Vec<BatchMessage>) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut batch = Batch::new();
    let mut bytes = 0;
    for (index, message) in messages.into_iter().enumerate() {
        if batch.len() == MAX_BATCH || (!batch.is_empty() && bytes + message.body.len() > MAX_BODY_BYTES) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += message.body.len();
        batch.push((index, message));
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_ten_messages_and_what_fits_into_one_request() {
        let message = |bytes: usize| BatchMessage::delayed("x".repeat(bytes), Duration::ZERO);
        let sizes =
            |messages: Vec<BatchMessage>| -> Vec<usize> { batches(messages).iter().map(Vec::len).collect() };

        assert_eq!(sizes(vec![message(1); 21]), [10, 10, 1]);
        assert_eq!(sizes(vec![message(MAX_BODY_BYTES / 3); 7]), [3, 3, 1]);
        assert_eq!(sizes(vec![message(MAX_BODY_BYTES); 2]), [1, 1]);
        assert!(sizes(Vec::new()).is_empty());
    }
}
