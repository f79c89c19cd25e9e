//! Poller: what Lambda's event source mapping does, on one machine. Receives messages, hands them to the
//! worker as SQS events, deletes what is settled. One step a call, so that a test can drive it.

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

/// How long a receive waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How long messages in progress may take after the poller was stopped.
const GRACE: Duration = Duration::from_secs(5);

/// Feeds the worker from one queue.
#[derive(Clone)]
pub struct QueuePoller {
    /// Reaches the queue.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue.
    pub url: String,
    /// Does the work.
    pub worker: Arc<Worker>,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The queue was empty.
    Idle,
    /// A message's work is settled, and the message is deleted.
    Settled,
    /// A message's work is not settled: the message returns to the queue.
    Returned {
        /// The receipt handle of the message.
        receipt: String,
    },
}

impl QueuePoller {
    /// Works on the next message, if there is one now.
    ///
    /// # Errors
    ///
    /// When the queue cannot be read.
    pub async fn step(&self) -> Result<Step, BoxError> {
        match self.receive(Duration::ZERO).await? {
            Some(message) => self.work(message).await,
            None => Ok(Step::Idle),
        }
    }

    /// Works on messages concurrently as they arrive, until `stop` changes; then finishes those in progress, within a
    /// few seconds. What is not finished is received again at the next start.
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
            error!(error = %error_chain(error.as_ref()), "could not settle a message");
        }
    }

    /// The next message, waited for at most this long.
    ///
    /// # Errors
    ///
    /// When the queue cannot be read.
    pub async fn receive(&self, wait: Duration) -> Result<Option<Message>, BoxError> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 20")]
        let seconds = wait.as_secs() as i32;
        let request = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(1);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = request.wait_time_seconds(seconds).send().await?;
        Ok(received.messages.unwrap_or_default().pop())
    }

    /// Has the worker handle `message`; the batch response lists it when it is not settled.
    ///
    /// # Errors
    ///
    /// When the worker fails as a whole.
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

    /// Takes the message that `receipt` names out of the queue.
    ///
    /// # Errors
    ///
    /// When the queue cannot be written.
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
