//! Lambda events: SQS messages in, those to be retried out; or a self-check in, its report out.
//! Types of Lambda are used in this file only.

use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use herald::aws::diagnostics;
use herald::aws::diagnostics::Report;
use herald::aws::queue::Queue;
use herald::error::error_chain;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{MessageContext, RetryIn, WorkError, Worker};

/// Visibility timeout while a message is processed; short, so that a crashed worker is replaced quickly.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);

/// Nothing new starts within this margin before the end of the function: token, conversation and send have 10 s each.
const SHUTDOWN_MARGIN: SignedDuration = SignedDuration::from_secs(40);

/// Interval between two extensions of the visibility timeout.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// Payload of an invocation.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages of one queue.
    Messages(SqsEvent),
    /// Request of an operator.
    Request(diagnostics::Request),
}

/// Response to an invocation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Messages that are retried.
    Messages(SqsBatchResponse),
    /// Findings of the self-check.
    Report(Report),
}

/// Handles an invocation.
///
/// # Errors
///
/// When a newer version of the self-check is requested than this worker knows.
pub async fn answer(worker: &Worker, event: LambdaEvent<Event>) -> Result<Answer, Error> {
    match event.payload {
        Event::Messages(messages) => {
            handle(worker, LambdaEvent::new(messages, event.context)).await.map(Answer::Messages)
        }
        Event::Request(diagnostics::Request::SelfCheck { version: diagnostics::VERSION }) => {
            Ok(Answer::Report(worker.self_check().await))
        }
        Event::Request(diagnostics::Request::SelfCheck { version }) => {
            Err(format!("self-check {version} is newer than this worker: deploy this version of Herald")
                .into())
        }
    }
}

/// Handles the messages of an event in their order and returns those that are retried.
///
/// It fails closed: every message is retried until its work is done. In a FIFO queue nothing behind a message that is
/// retried is started.
///
/// # Errors
///
/// None in practice: a failure concerns one message.
pub async fn handle(worker: &Worker, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let records = event.payload.records;
    let deadline = start_deadline(event.context.deadline);
    let mut done = 0;
    let mut retried = Vec::new();
    for record in &records {
        set_visibility(worker, record, VISIBILITY_TIMEOUT).await;
        let context =
            MessageContext { is_fifo: is_fifo(record), is_redelivery: is_redelivery(record), deadline };
        // Boxed: it is awaited through several layers.
        let work = Box::pin(worker.handle(record.body.as_deref().unwrap_or_default(), context));
        let outcome = tokio::select! {
            biased;
            outcome = work => outcome,
            never = heartbeat(worker, record) => never,
        };
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(WorkError::Retry(retry)) => Err(retry),
            Err(WorkError::Poison) => move_to_dead_letter_queue(worker, record).await,
        };
        match outcome {
            Ok(()) => done += 1,
            Err(retry) => {
                set_visibility(worker, record, retry.wait).await;
                retried.push(record);
                if is_fifo(record) {
                    break;
                }
            }
        }
    }
    let not_started = records.iter().skip(done + retried.len());
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = retried.into_iter().chain(not_started).map(failure).collect();
    Ok(response)
}

/// Returns when nothing new may start any more, given when Lambda ends the function; `None` where nothing ends it.
fn start_deadline(deadline_ms: u64) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline_ms).ok().filter(|deadline| *deadline > 0)?;
    Timestamp::from_millisecond(deadline).ok()?.checked_sub(SHUTDOWN_MARGIN).ok()
}

/// Returns the entry that makes SQS redeliver a message.
fn failure(record: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = record.message_id.clone().unwrap_or_default();
    failure
}

/// Whether the message is from a FIFO queue.
fn is_fifo(record: &SqsMessage) -> bool {
    record.event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(".fifo"))
}

/// Whether the message was received before; true where its receive count is missing.
fn is_redelivery(record: &SqsMessage) -> bool {
    record.attributes.get("ApproximateReceiveCount").is_none_or(|count| count != "1")
}

/// Extends the visibility timeout of a message at every heartbeat; never returns.
async fn heartbeat<T>(worker: &Worker, record: &SqsMessage) -> T {
    loop {
        worker.parts().clock.sleep(HEARTBEAT_INTERVAL).await;
        set_visibility(worker, record, VISIBILITY_TIMEOUT).await;
    }
}

/// Sets the visibility timeout of a message. A failure costs an early redelivery, which finds the job claimed.
async fn set_visibility(worker: &Worker, record: &SqsMessage, time: Duration) {
    let (Some(queue), Some(receipt)) = (source_queue(worker, record), record.receipt_handle.as_deref())
    else {
        return;
    };
    if let Err(error) = queue.change_visibility(receipt, time).await {
        warn!(error = %error_chain(&error), "could not change the visibility timeout of a message");
    }
}

/// Moves a poison message to the dead-letter queue at once: retried up to its maximum receive count, it would block its
/// conversation, or be received for hours.
///
/// A crash in between leaves a second copy, which is moved too.
async fn move_to_dead_letter_queue(worker: &Worker, record: &SqsMessage) -> Result<(), RetryIn> {
    // In a FIFO queue it blocks its conversation until then.
    let retry = if is_fifo(record) { RetryIn { wait: Duration::from_secs(1) } } else { RetryIn::DEFAULT };
    let (Some(queue), Some(body)) = (source_queue(worker, record), record.body.clone()) else {
        return Err(retry);
    };
    let dead_letters = queue.dead_letters().await.map_err(|error| {
        warn!(error = %error_chain(&error), "could not find the dead-letter queue of a message");
        retry
    })?;
    let Some(dead_letters) = dead_letters else { return Err(retry) };
    let moved = match record.attributes.get("MessageGroupId").filter(|_| is_fifo(record)) {
        Some(group) => {
            let dedupe = record.message_id.as_deref().unwrap_or(group);
            dead_letters.send_fifo_raw(body, group, dedupe).await
        }
        None => dead_letters.send_delayed_raw(body, Duration::ZERO).await,
    };
    moved.map_err(|error| {
        warn!(error = %error_chain(&error), "could not move a message to its dead-letter queue");
        retry
    })
}

/// Returns the queue that a message was received from.
fn source_queue<'a>(worker: &'a Worker, record: &SqsMessage) -> Option<&'a Queue> {
    let name = record.event_source_arn.as_deref()?.rsplit(':').next()?;
    let parts = worker.parts();
    [&parts.turns, &parts.tasks, &parts.deliveries].into_iter().find(|queue| queue.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_deadline_is_40_s_before_the_end_if_there_is_one() {
        assert_eq!(start_deadline(1_800_000_100_000), Timestamp::from_second(1_800_000_060).ok());
        assert_eq!(start_deadline(0), None);
    }

    #[test]
    fn event_is_a_batch_or_a_self_check_and_others_are_rejected() {
        let read = |text: &str| serde_json::from_str::<Event>(text);

        let messages = r#"{"Records":[{
            "messageId": "1", "receiptHandle": "r", "body": "{}", "md5OfBody": "m", "awsRegion": "us-east-1",
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1795338000000" },
            "messageAttributes": { "a": { "stringValue": "b", "dataType": "String" } },
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:herald-turns.fifo"
        }]}"#;
        assert!(matches!(read(messages), Ok(Event::Messages(event)) if is_fifo(&event.records[0])));
        assert!(matches!(read(r#"{"herald":"self-check","version":1}"#), Ok(Event::Request(_))));
        for other in ["{}", "null", r#"{"herald":"hello"}"#, r#"{"herald":"self-check","version":1,"x":2}"#] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
