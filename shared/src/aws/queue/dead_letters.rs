//! Dead letters: what was received too often, looked at and taken out by an operator.
//! What becomes of one is the operator's decision; no function receives by this.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use jiff::Timestamp;
use serde::Deserialize;

use super::{MAX_BATCH, Queue, whole_seconds};
use crate::aws::failure::AwsFailure;

/// A message that was received, and what SQS says of it.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// What it is called in its queue.
    pub message_id: String,
    /// What this receipt of it is known by.
    pub receipt: String,
    /// What is in it; not for a log.
    pub body: String,
    /// Whose order it is in, in a FIFO queue.
    pub group: Option<String>,
    /// When it was queued.
    pub queued_at: Option<Timestamp>,
    /// How often it was received, this time included.
    pub receives: Option<u32>,
}

impl Queue {
    /// The queue called `name`, if there is one, in the account that `client` is signed in to.
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

    /// Where its messages go that were received too often, if they go anywhere.
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

    /// About how many messages are in it, in hand or not.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn count(&self) -> Result<u64, AwsFailure> {
        let attributes = self.attributes().await?;
        let of = |name| attributes.get(&name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let seen = of(QueueAttributeName::ApproximateNumberOfMessages);
        let hidden = of(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        Ok(seen + hidden + of(QueueAttributeName::ApproximateNumberOfMessagesDelayed))
    }

    /// Up to ten of its messages, hidden from everybody else for `hidden`; if there is none, it waits for one as long
    /// as `wait`. Any wait has SQS ask all its servers, and none only some.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`].
    pub async fn receive(&self, hidden: Duration, wait: Duration) -> Result<Vec<DeadLetter>, AwsFailure> {
        let request = self.client.receive_message().queue_url(&self.url);
        let request = request
            .max_number_of_messages(i32::try_from(MAX_BATCH).unwrap_or(1))
            .visibility_timeout(whole_seconds(hidden))
            .wait_time_seconds(whole_seconds(wait))
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let received = request.send().await.map_err(AwsFailure::of)?;
        Ok(received.messages.unwrap_or_default().into_iter().map(letter).collect())
    }

    /// Takes the message that `receipt` names out of the queue.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`]; the message is then there still.
    pub async fn delete(&self, receipt: &str) -> Result<(), AwsFailure> {
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        request.send().await.map(drop).map_err(AwsFailure::of)
    }
}

fn letter(message: Message) -> DeadLetter {
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
