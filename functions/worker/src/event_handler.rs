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

/// Visibility timeouts of the queues of turns and of deliveries, as in `template.yaml`: longer than their functions run.
const TURN_VISIBILITY: SignedDuration = SignedDuration::from_secs(30);
const DELIVERY_VISIBILITY: SignedDuration = SignedDuration::from_secs(90);

/// Time from the receipt of a message to the start of its function, at most.
const INVOCATION_DELAY: SignedDuration = SignedDuration::from_secs(2);

/// Visibility timeout of a task while it runs; short, so that a crashed worker is replaced quickly.
const TASK_VISIBILITY: Duration = Duration::from_secs(30);

/// Nothing new starts within this margin before the end of the function: a send takes up to 10 s, its record some more.
const SHUTDOWN_MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// An engine without a time limit is cancelled this long before the end of the function, so that its failure is recorded.
const ENGINE_MARGIN: SignedDuration = SignedDuration::from_secs(30);

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
    let deadline = before_end(event.context.deadline, SHUTDOWN_MARGIN);
    let engine_until = before_end(event.context.deadline, ENGINE_MARGIN);
    let received_at = worker.parts().clock.now();
    let mut done = 0;
    let mut retried = Vec::new();
    for record in &records {
        let context = MessageContext {
            is_fifo: is_fifo(record),
            receives: receives(record),
            sent_at: sent_at(record),
            expires_at: None,
            deadline,
            engine_until,
            lease_until: lease_until(worker, record, received_at),
        };
        // Boxed: it is awaited through several layers.
        let work = Box::pin(worker.handle(record.body.as_deref().unwrap_or_default(), context));
        let outcome = match context.lease_until {
            Some(_) => work.await,
            None => keep_invisible(worker, record, work).await,
        };
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(WorkError::Retry(retry)) => Err(retry),
            Err(WorkError::Poison) => move_to_dead_letter_queue(worker, record).await,
        };
        match outcome {
            Ok(()) => done += 1,
            Err(retry) => {
                let retry = retry.at_receipt(context.receives, &worker.parts().random);
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

/// Returns the time that is `margin` before Lambda ends the function; `None` where nothing ends it.
fn before_end(deadline_ms: u64, margin: SignedDuration) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline_ms).ok().filter(|deadline| *deadline > 0)?;
    Timestamp::from_millisecond(deadline).ok()?.checked_sub(margin).ok()
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

/// Returns how often the message was received; 0 where its receive count is missing.
fn receives(record: &SqsMessage) -> u32 {
    let count = record.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// Returns when the message was put into its queue.
fn sent_at(record: &SqsMessage) -> Option<Timestamp> {
    let sent_ms = record.attributes.get("SentTimestamp")?.parse().ok()?;
    Timestamp::from_millisecond(sent_ms).ok()
}

/// Returns the end of the leases on the jobs of a message whose visibility is not renewed: when it becomes visible again,
/// another worker finds them expired.
fn lease_until(worker: &Worker, record: &SqsMessage, received_at: Timestamp) -> Option<Timestamp> {
    let (parts, queue) = (worker.parts(), source_queue(worker, record)?.name());
    let visibility = match queue {
        turns if turns == parts.turns.name() => TURN_VISIBILITY,
        deliveries if deliveries == parts.deliveries.name() => DELIVERY_VISIBILITY,
        _ => return None,
    };
    received_at.checked_add(visibility - INVOCATION_DELAY).ok()
}

/// Does `work` while its message stays invisible. Its claim need not wait for the first change of visibility.
async fn keep_invisible<T>(worker: &Worker, record: &SqsMessage, work: impl Future<Output = T>) -> T {
    let renewed = async {
        tokio::select! {
            biased;
            outcome = work => outcome,
            never = heartbeat(worker, record) => never,
        }
    };
    let (outcome, ()) = tokio::join!(renewed, set_visibility(worker, record, TASK_VISIBILITY));
    outcome
}

/// Extends the visibility timeout of a message at every heartbeat; never returns.
async fn heartbeat<T>(worker: &Worker, record: &SqsMessage) -> T {
    loop {
        worker.parts().clock.sleep(HEARTBEAT_INTERVAL).await;
        set_visibility(worker, record, TASK_VISIBILITY).await;
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
    let retry = if is_fifo(record) { RetryIn::after(Duration::from_secs(1)) } else { RetryIn::DEFAULT };
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
    fn nothing_starts_in_the_last_15_s_and_no_engine_runs_in_the_last_30_s() {
        let second = |second| Timestamp::from_second(second).ok();

        assert_eq!(before_end(1_800_000_100_000, SHUTDOWN_MARGIN), second(1_800_000_085));
        assert_eq!(before_end(1_800_000_100_000, ENGINE_MARGIN), second(1_800_000_070));
        assert_eq!(before_end(0, ENGINE_MARGIN), None);
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
