//! SQS events in, the messages that are to come back out.
//! Lambda's types go no further than this file.

use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use herald::queue::Queue;
use herald::telemetry::causes;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use tracing::warn;

use crate::{Place, Worker};

/// A message in hand is hidden this long, so that a dead worker is replaced soon.
const HIDDEN: Duration = Duration::from_secs(30);

/// Before the end of the function nothing is begun for this long: token, conversation and send have 10 s each.
const LAST_CALL: SignedDuration = SignedDuration::from_secs(40);

/// How often that is renewed.
const BEAT: Duration = Duration::from_secs(10);

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
        let place = Place { in_order: is_in_order(record), stop_at };
        // On the heap: it is awaited through several layers.
        let work = Box::pin(worker.work(record.body.as_deref().unwrap_or_default(), place));
        let outcome = tokio::select! {
            biased;
            outcome = work => outcome,
            never = keep_in_hand(worker, record) => never,
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
    if let Err(error) = queue.come_back_after(receipt, time).await {
        warn!(error = %causes(&error), "could not change when a message comes back");
    }
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
}
