//! Polls a queue as the event source mapping of Lambda does: receives messages, invokes the
//! worker with SQS events, and deletes completed messages. Each call is one step, so that tests control it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use herald::clock::timeout;
use herald::error::BoxError;
use herald::error::error_chain;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::error;
use worker::{Worker, event_handler};

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
    /// The worker.
    pub worker: Arc<Worker>,
}

/// The result of a step.
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

impl QueuePoller {
    /// Handles the next message, if one is available.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub async fn step(&self) -> Result<Step, BoxError> {
        match self.receive(Duration::ZERO).await? {
            Some(message) => self.work(message).await,
            None => Ok(Step::Idle),
        }
    }

    /// Handles messages concurrently until `stop` changes; then completes those in progress, within a
    /// few seconds. A message that is not completed is received again after the next start.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut in_progress = JoinSet::new();
        loop {
            let received = tokio::select! {
                _ = stop.changed() => break,
                received = self.receive(LONG_POLL) => received,
            };
            match received {
                Ok(Some(message)) => drop(in_progress.spawn(self.clone().work_and_log(message))),
                Ok(None) => {}
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

    async fn work_and_log(self, message: Message) {
        if let Err(error) = self.work(message).await {
            error!(error = %error_chain(error.as_ref()), "could not complete a message");
        }
    }

    /// Receives the next message, waiting at most `wait`.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub async fn receive(&self, wait: Duration) -> Result<Option<Message>, BoxError> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 20")]
        let seconds = wait.as_secs() as i32;
        let request = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(1);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = request.wait_time_seconds(seconds).send().await?;
        Ok(received.messages.unwrap_or_default().pop())
    }

    /// Invokes the worker with `message`; the batch response contains it if it was not completed.
    ///
    /// # Errors
    ///
    /// The worker fails for the whole batch.
    pub async fn handle(&self, message: &Message) -> Result<SqsBatchResponse, BoxError> {
        let name = self.url.rsplit('/').next().unwrap_or_default();
        let attributes = message.attributes.iter().flatten();
        let attributes: HashMap<&str, &String> =
            attributes.map(|(name, value)| (name.as_str(), value)).collect();
        let event: SqsEvent = serde_json::from_value(json!({ "Records": [{
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
            "awsRegion": "us-east-1",
        }]}))?;
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

    async fn work(&self, message: Message) -> Result<Step, BoxError> {
        let answer = self.handle(&message).await?;
        let receipt = message.receipt_handle.unwrap_or_default();
        if !answer.batch_item_failures.is_empty() {
            return Ok(Step::Returned { receipt });
        }
        self.delete(&receipt).await?;
        Ok(Step::Settled)
    }
}
