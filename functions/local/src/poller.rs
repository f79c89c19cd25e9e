//! Polls a queue as the event source mapping of Lambda does: invokes the worker with batches and deletes what it completed.
//! Each call is one step, so that tests control it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use herald::clock::timeout;
use herald::error::BoxError;
use herald::error::error_chain;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::error;
use worker::{Worker, event_handler};

use crate::aws_emulator::template::{ACCOUNT, REGION};

/// Longest wait of a receive.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Time limit for messages in progress after the poller is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// Invokes the worker with the messages of one queue.
#[derive(Clone)]
pub struct QueuePoller {
    /// The SQS client.
    pub sqs: aws_sdk_sqs::Client,
    /// The URL of the queue.
    pub url: String,
    /// Largest number of messages in an event.
    pub batch_size: i32,
    /// The worker.
    pub worker: Arc<Worker>,
}

/// The result of a step with one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The queue was empty.
    Idle,
    /// A message was handled and deleted.
    Settled,
    /// A message was not completed, and returns to the queue.
    Returned {
        /// The receipt handle of the message.
        receipt: String,
    },
}

/// The result of a batch; both lists are empty if the queue was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchStep {
    /// Receipt handles of the messages that were handled and deleted.
    pub settled: Vec<String>,
    /// Receipt handles of the messages that were not completed, and return to the queue.
    pub returned: Vec<String>,
}

impl QueuePoller {
    /// Handles the next message alone, if one is available.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub async fn step(&self) -> Result<Step, BoxError> {
        let Some(message) = self.receive(Duration::ZERO).await? else { return Ok(Step::Idle) };
        let BatchStep { mut returned, .. } = self.work(vec![message]).await?;
        Ok(returned.pop().map_or(Step::Settled, |receipt| Step::Returned { receipt }))
    }

    /// Handles the next batch, if messages are available.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub async fn step_batch(&self) -> Result<BatchStep, BoxError> {
        let messages = self.receive_up_to(self.batch_size, Duration::ZERO).await?;
        if messages.is_empty() { Ok(BatchStep::default()) } else { self.work(messages).await }
    }

    /// Handles batches concurrently until `stop` changes; then completes those in progress, within a
    /// few seconds. A message that is not completed is received again after the next start.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut in_progress = JoinSet::new();
        loop {
            let received = tokio::select! {
                _ = stop.changed() => break,
                received = self.receive_up_to(self.batch_size, LONG_POLL) => received,
            };
            match received {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => drop(in_progress.spawn(self.clone().work_and_log(messages))),
                Err(error) => {
                    error!(error = %error_chain(error.as_ref()), "could not read a queue");
                    self.worker.parts().clock.sleep(Duration::from_secs(1)).await;
                }
            }
            while in_progress.try_join_next().is_some() {}
        }
        let finished = async { while in_progress.join_next().await.is_some() {} };
        if timeout(self.worker.parts().clock.as_ref(), GRACE, finished).await.is_none() {
            in_progress.shutdown().await;
        }
    }

    async fn work_and_log(self, messages: Vec<Message>) {
        if let Err(error) = self.work(messages).await {
            error!(error = %error_chain(error.as_ref()), "could not complete a batch");
        }
    }

    /// Receives the next message, waiting at most `wait`.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub async fn receive(&self, wait: Duration) -> Result<Option<Message>, BoxError> {
        Ok(self.receive_up_to(1, wait).await?.pop())
    }

    async fn receive_up_to(&self, count: i32, wait: Duration) -> Result<Vec<Message>, BoxError> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 20")]
        let seconds = wait.as_secs() as i32;
        let request = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(count);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = request.wait_time_seconds(seconds).send().await?;
        Ok(received.messages.unwrap_or_default())
    }

    /// Invokes the worker with `messages`; the batch response contains those that were not completed.
    ///
    /// # Errors
    ///
    /// The worker fails for the whole batch.
    pub async fn handle(&self, messages: &[Message]) -> Result<SqsBatchResponse, BoxError> {
        let event: SqsEvent = serde_json::from_value(event(&self.url, messages))?;
        event_handler::handle(&self.worker, LambdaEvent::new(event, Context::default())).await
    }

    /// Deletes the message with the receipt handle `receipt`.
    ///
    /// # Errors
    ///
    /// The queue cannot be written.
    pub async fn delete(&self, receipt: &str) -> Result<(), BoxError> {
        self.sqs.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await?;
        Ok(())
    }

    async fn work(&self, messages: Vec<Message>) -> Result<BatchStep, BoxError> {
        let answer = self.handle(&messages).await?;
        let mut step = BatchStep::default();
        for message in messages {
            let is_returned = answer
                .batch_item_failures
                .iter()
                .any(|failure| Some(&failure.item_identifier) == message.message_id.as_ref());
            let receipt = message.receipt_handle.unwrap_or_default();
            if is_returned {
                step.returned.push(receipt);
            } else {
                self.delete(&receipt).await?;
                step.settled.push(receipt);
            }
        }
        Ok(step)
    }
}

/// Returns the event of the event source mapping for messages of the queue with this URL, with the attributes that they
/// were received with.
#[must_use]
pub fn event(url: &str, messages: &[Message]) -> Value {
    let name = url.rsplit('/').next().unwrap_or_default();
    let records = messages.iter().map(|message| {
        let attributes = message.attributes.iter().flatten();
        let attributes: HashMap<&str, &String> =
            attributes.map(|(name, value)| (name.as_str(), value)).collect();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
            "awsRegion": REGION,
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}
