//! Batches of the deliveries queue, of the size in the template: one failed message returns alone, with a true receive
//! count.

use std::time::Duration;

use local::channel_emulator::{Fault, Operation, Refusal};
use local::poller::{self, QueuePoller};
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

#[tokio::test]
async fn failed_message_of_a_batch_returns_alone() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("We are closed on Friday.")).await;
    for number in 0..25 {
        bundle.install(&format!("Person {number}")).await;
    }
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    let deliveries = QueuePoller { batch_size: 3, ..bundle.poller("deliveries") };
    let busy = Refusal::new(412, "PreconditionFailed", "The conversation is busy");
    bundle.channel().fail_on(Operation::Send, Fault::Status(busy));

    let batch = deliveries.step_batch().await.unwrap();
    let shown = bundle.channel().texts().len();
    bundle.clock().advance(Duration::from_secs(601));
    for receipt in &batch.returned {
        bundle.make_visible("deliveries", receipt).await;
    }
    let again = deliveries.receive(Duration::ZERO).await.unwrap().unwrap();
    let event = poller::event(&deliveries.url, std::slice::from_ref(&again));
    bundle.make_visible("deliveries", again.receipt_handle.as_deref().unwrap()).await;
    bundle.drain().await;

    assert_eq!((batch.settled.len(), batch.returned.len(), shown), (2, 1, 24));
    assert_eq!(event["Records"][0]["attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(bundle.channel().texts(), ["We are closed on Friday."; 25]);
    bundle.end().await;
}
