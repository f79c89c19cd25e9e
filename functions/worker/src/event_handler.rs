//! SQS events in, the messages that are to come back out; or a self-check in, what was found out.
//! Lambda's types go no further than this file.

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

use crate::{Later, Place, Unsettled, Worker};

/// A message in hand is hidden this long, so that a dead worker is replaced soon.
const HIDDEN: Duration = Duration::from_secs(30);

/// Before the end of the function nothing is begun for this long: token, conversation and send have 10 s each.
const LAST_CALL: SignedDuration = SignedDuration::from_secs(40);

/// How often that is renewed.
const BEAT: Duration = Duration::from_secs(10);

/// What the function is called with.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages of one queue.
    Messages(SqsEvent),
    /// An operator's question.
    Request(diagnostics::Request),
}

/// What it answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Which messages are to come back.
    Messages(SqsBatchResponse),
    /// What was found.
    Report(Report),
}

/// Answers either event; anything else is none, and an error before this.
///
/// # Errors
///
/// When a newer self-check is asked for than this worker knows.
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

/// Works through the event's messages in their order and names those that are to come back.
///
/// The answer is built fail-closed: every message is to come back until its work is settled. In a FIFO
/// queue nothing behind an unsettled message is begun.
///
/// # Errors
///
/// None in practice: what goes wrong concerns one message.
pub async fn handle(worker: &Worker, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let records = event.payload.records;
    let stop_at = stop_at(event.context.deadline);
    let mut settled = 0;
    let mut unsettled = Vec::new();
    for record in &records {
        hide(worker, record, HIDDEN).await;
        let place = Place { in_order: is_in_order(record), came_back: came_back(record), stop_at };
        // On the heap: it is awaited through several layers.
        let work = Box::pin(worker.work(record.body.as_deref().unwrap_or_default(), place));
        let outcome = tokio::select! {
            biased;
            outcome = work => outcome,
            never = keep_in_hand(worker, record) => never,
        };
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(Unsettled::Later(later)) => Err(later),
            Err(Unsettled::Unreadable) => bury(worker, record).await,
        };
        match outcome {
            Ok(()) => settled += 1,
            Err(later) => {
                hide(worker, record, later.wait).await;
                unsettled.push(record);
                if is_in_order(record) {
                    break;
                }
            }
        }
    }
    let not_begun = records.iter().skip(settled + unsettled.len());
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = unsettled.into_iter().chain(not_begun).map(failure).collect();
    Ok(response)
}

/// Where nothing new is begun any more, given when Lambda ends the function; none where nothing ends it.
fn stop_at(deadline_ms: u64) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline_ms).ok().filter(|deadline| *deadline > 0)?;
    Timestamp::from_millisecond(deadline).ok()?.checked_sub(LAST_CALL).ok()
}

fn failure(record: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = record.message_id.clone().unwrap_or_default();
    failure
}

/// Whether the messages behind this one must not overtake it.
fn is_in_order(record: &SqsMessage) -> bool {
    record.event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(".fifo"))
}

/// Whether somebody received the message before, as far as it says so.
fn came_back(record: &SqsMessage) -> bool {
    record.attributes.get("ApproximateReceiveCount").is_none_or(|count| count != "1")
}

/// Renews the hold on a message while its work goes on; never ends by itself.
async fn keep_in_hand<T>(worker: &Worker, record: &SqsMessage) -> T {
    loop {
        worker.clock.sleep(BEAT).await;
        hide(worker, record, HIDDEN).await;
    }
}

/// A hold that cannot be renewed costs an early second delivery, which finds the work claimed.
async fn hide(worker: &Worker, record: &SqsMessage, time: Duration) {
    let (Some(queue), Some(receipt)) = (queue_of(worker, record), record.receipt_handle.as_deref()) else {
        return;
    };
    if let Err(error) = queue.change_visibility(receipt, time).await {
        warn!(error = %error_chain(&error), "could not change when a message comes back");
    }
}

/// Puts a message that nobody can read among the dead letters at once: left to come back until it has been received
/// too often, it would hold up its conversation, or be read for hours.
///
/// Dying in between leaves two copies, of which the second is buried in its turn.
async fn bury(worker: &Worker, record: &SqsMessage) -> Result<(), Later> {
    // In order, it holds up its conversation until then.
    let later = if is_in_order(record) { Later { wait: Duration::from_secs(1) } } else { Later::FRESH };
    let (Some(queue), Some(body)) = (queue_of(worker, record), record.body.clone()) else {
        return Err(later);
    };
    let dead_letters = queue.dead_letters().await.map_err(|error| {
        warn!(error = %error_chain(&error), "could not find the dead-letter queue of a message");
        later
    })?;
    let Some(dead_letters) = dead_letters else { return Err(later) };
    let buried = match record.attributes.get("MessageGroupId").filter(|_| is_in_order(record)) {
        Some(group) => {
            let dedupe = record.message_id.as_deref().unwrap_or(group);
            dead_letters.send_fifo_raw(body, group, dedupe).await
        }
        None => dead_letters.send_delayed_raw(body, Duration::ZERO).await,
    };
    buried.map_err(|error| {
        warn!(error = %error_chain(&error), "could not put a message among the dead letters");
        later
    })
}

fn queue_of<'a>(worker: &'a Worker, record: &SqsMessage) -> Option<&'a Queue> {
    let name = record.event_source_arn.as_deref()?.rsplit(':').next()?;
    [&worker.turns, &worker.tasks, &worker.deliveries].into_iter().find(|queue| queue.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_begun_in_the_last_40_s_and_where_nothing_ends_there_is_no_limit() {
        assert_eq!(stop_at(1_800_000_100_000), Timestamp::from_second(1_800_000_060).ok());
        assert_eq!(stop_at(0), None);
    }

    #[test]
    fn an_event_is_of_a_queue_or_a_self_check_and_anything_else_is_an_error() {
        let read = |text: &str| serde_json::from_str::<Event>(text);

        let messages = r#"{"Records":[{
            "messageId": "1", "receiptHandle": "r", "body": "{}", "md5OfBody": "m", "awsRegion": "us-east-1",
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1795338000000" },
            "messageAttributes": { "a": { "stringValue": "b", "dataType": "String" } },
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:herald-turns.fifo"
        }]}"#;
        assert!(matches!(read(messages), Ok(Event::Messages(event)) if is_in_order(&event.records[0])));
        assert!(matches!(read(r#"{"herald":"self-check","version":1}"#), Ok(Event::Request(_))));
        for other in ["{}", "null", r#"{"herald":"hello"}"#, r#"{"herald":"self-check","version":1,"x":2}"#] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
