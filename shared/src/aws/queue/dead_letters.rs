//! Dead-letter queues: receives and deletes messages for an operator.
//!
//! The functions do not receive here.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use jiff::Timestamp;
use serde::Deserialize;

use super::batch::MAX_BATCH;
use super::{Queue, whole_seconds};
use crate::aws::failure::AwsFailure;

/// Received message of a dead-letter queue.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Message id.
    pub message_id: String,
    /// Receipt handle.
    pub receipt: String,
    /// Body; never logged.
    pub body: String,
    /// Message group, in a FIFO queue.
    pub group: Option<String>,
    /// Time at which it was sent.
    pub queued_at: Option<Timestamp>,
    /// Number of receives, this one included.
    pub receives: Option<u32>,
}

impl Queue {
    /// Returns the queue called `name` in the account of `client`; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn named(client: aws_sdk_sqs::Client, name: &str) -> Result<Option<Self>, AwsFailure> {
        match client.get_queue_url().queue_name(name).send().await {
            Ok(answer) => Ok(answer.queue_url.map(|url| Self::new(client, url))),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_queue_does_not_exist()) => {
                Ok(None)
            }
            Err(error) => Err(AwsFailure::of(error)),
        }
    }

    /// Returns the dead-letter queue of the queue, if it has one.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn dead_letters(&self) -> Result<Option<Self>, AwsFailure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Redrive {
            dead_letter_target_arn: String,
        }

        let attributes = self.attributes().await?;
        let Some(policy) = attributes.get(&QueueAttributeName::RedrivePolicy) else { return Ok(None) };
        let policy: Redrive = serde_json::from_str(policy).map_err(|_| AwsFailure::Unreadable)?;
        let name = policy.dead_letter_target_arn.rsplit(':').next().unwrap_or_default();
        Self::named(self.client.clone(), name).await
    }

    /// Returns the approximate number of messages in the queue: visible, in flight and delayed.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn count(&self) -> Result<u64, AwsFailure> {
        let attributes = self.attributes().await?;
        let of = |name| attributes.get(&name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let visible = of(QueueAttributeName::ApproximateNumberOfMessages);
        let in_flight = of(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        Ok(visible + in_flight + of(QueueAttributeName::ApproximateNumberOfMessagesDelayed))
    }

    /// Receives up to ten messages with the visibility timeout `visibility`, waiting up to `wait` for the first.
    ///
    /// Any wait is long polling, which queries all servers of SQS.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn receive(&self, visibility: Duration, wait: Duration) -> Result<Vec<DeadLetter>, AwsFailure> {
        let request = self.client.receive_message().queue_url(&self.url);
        let request = request
            .max_number_of_messages(i32::try_from(MAX_BATCH).unwrap_or(1))
            .visibility_timeout(whole_seconds(visibility))
            .wait_time_seconds(whole_seconds(wait))
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let received = request.send().await.map_err(AwsFailure::of)?;
        Ok(received.messages.unwrap_or_default().into_iter().map(dead_letter).collect())
    }

    /// Deletes the message with this receipt handle.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`]; the message then stays in the queue.
    pub async fn delete(&self, receipt: &str) -> Result<(), AwsFailure> {
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        request.send().await.map(drop).map_err(AwsFailure::of)
    }
}

fn dead_letter(message: Message) -> DeadLetter {
    let attributes = message.attributes.unwrap_or_default();
    let text = |name| attributes.get(&name);
    let queued_at = text(MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    DeadLetter {
        message_id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        group: text(MessageSystemAttributeName::MessageGroupId).cloned(),
        queued_at: queued_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
        receives: text(MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|text| text.parse().ok()),
    }
}
