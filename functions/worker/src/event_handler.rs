//! SQS events in, the messages that are to come back out.
//! Lambda's types go no further than this file.

use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use herald::queue::Queue;
use lambda_runtime::{Error, LambdaEvent};
use tokio::sync::Mutex;
use tracing::warn;

use crate::Worker;

/// A message in hand is hidden this long, so that a dead worker is replaced soon.
const HIDDEN: Duration = Duration::from_secs(30);

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
    let open = Mutex::new(records.iter().collect::<Vec<_>>());
    tokio::select! {
        biased;
        () = work_through(worker, &records, &open) => {}
        () = keep_in_hand(worker, &open) => {}
    }
    let failures = open.into_inner().into_iter().map(|record| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = record.message_id.clone().unwrap_or_default();
        failure
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures.collect();
    Ok(response)
}

async fn work_through<'a>(worker: &Worker, records: &'a [SqsMessage], open: &Mutex<Vec<&'a SqsMessage>>) {
    for record in records {
        hide(worker, record, HIDDEN).await;
        match worker.work(record.body.as_deref().unwrap_or_default()).await {
            Ok(()) => open.lock().await.retain(|other| !std::ptr::eq(*other, record)),
            Err(later) => {
                hide(worker, record, later.wait).await;
                if queue_of(worker, record).is_some_and(|queue| queue.name().ends_with(".fifo")) {
                    return;
                }
            }
        }
    }
}

/// Renews the hold on all messages that are not settled; ends only with the work.
async fn keep_in_hand(worker: &Worker, open: &Mutex<Vec<&SqsMessage>>) {
    loop {
        worker.clock.sleep(BEAT).await;
        for record in open.lock().await.iter() {
            hide(worker, record, HIDDEN).await;
        }
    }
}

/// A hold that cannot be renewed costs an early second delivery, which finds the work claimed.
async fn hide(worker: &Worker, record: &SqsMessage, time: Duration) {
    let (Some(queue), Some(receipt)) = (queue_of(worker, record), record.receipt_handle.as_deref()) else {
        return;
    };
    if let Err(error) = queue.come_back_after(receipt, time).await {
        warn!(error = &error as &dyn std::error::Error, "could not change when a message comes back");
    }
}

fn queue_of<'a>(worker: &'a Worker, record: &SqsMessage) -> Option<&'a Queue> {
    let name = record.event_source_arn.as_deref()?.rsplit(':').next()?;
    [&worker.turns, &worker.tasks, &worker.deliveries].into_iter().find(|queue| queue.name() == name)
}
