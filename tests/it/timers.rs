//! What waits on the agenda, how the tick moves it, and what becomes of an activity while its queue is down.

use std::sync::Arc;
use std::time::Duration;

use herald::clock::Clock;
use herald::jobs::timers::{QueueTarget, Timer};
use local::channel_emulator::{Fault, Refusal};
use local::fault_injection::RequestFate;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

const MINUTE: Duration = Duration::from_secs(60);

/// Has the stack refuse every request whose operation contains one of these.
fn refuse(bundle: &TestBundle, operations: &'static [&'static str]) {
    let is_refused = move |operation: &str| operations.iter().any(|refused| operation.contains(refused));
    let hook =
        move |operation: &str| if is_refused(operation) { RequestFate::Refuse } else { RequestFate::Pass };
    bundle.local().stack.on_request(Arc::new(hook));
}

#[tokio::test]
async fn an_activity_whose_queue_is_down_is_kept_and_swept_into_it_later() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
    let alex = bundle.install("Alex").await;

    refuse(&bundle, &["SendMessage"]);
    bundle.receive(bundle.channel().message(&alex, "hello")).await;
    refuse(&bundle, &[]);
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert_eq!(moved, json!({ "queued": 1, "kept": 0, "unreadable": 0 }));
    assert_eq!(bundle.channel().texts(), ["Hello.", "Hello."]);
    assert_eq!(bundle.tick().await["queued"], 0, "it is off the agenda");
    bundle.end().await;
}

#[tokio::test]
async fn an_activity_that_can_be_kept_nowhere_is_refused() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");

    refuse(&bundle, &["SendMessage", "PutItem"]);
    let answer = bundle.deliver(bundle.channel().message(&alex, "hello")).await;

    assert_eq!(answer.status, 503);
    assert!(bundle.items().await.is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn an_activity_whose_queue_is_slow_is_kept_within_the_time_for_the_answer() {
    let bundle = Arc::new(TestBundle::with(ScriptedEngine::saying("Hello.")).await);
    let alex = bundle.channel().add_person("Alex");
    bundle.local().stack.on_request(Arc::new(|operation| match operation {
        "AmazonSQS.SendMessage" => RequestFate::Swallow,
        _ => RequestFate::Pass,
    }));

    let delivered = bundle.deliver(bundle.channel().message(&alex, "hello"));
    let queue_limit = async {
        bundle.clock().sleeping(Duration::from_secs(3)).await;
        bundle.clock().advance(Duration::from_secs(3));
    };
    let (answer, ()) = tokio::join!(delivered, queue_limit);
    refuse(&bundle, &[]);
    bundle.tick().await;
    bundle.drain().await;

    assert_eq!(answer.status, 202);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    Arc::into_inner(bundle).unwrap().end().await;
}

#[tokio::test]
async fn a_tick_that_cannot_queue_leaves_it_to_the_next() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    refuse(&bundle, &["SendMessage"]);
    bundle.receive(bundle.channel().message(&alex, "hello")).await;

    let moved = bundle.tick().await;
    bundle.clock().advance(20 * MINUTE);
    refuse(&bundle, &[]);
    let later = bundle.tick().await;
    bundle.drain().await;

    assert_eq!(moved["kept"], 1);
    assert_eq!(later["queued"], 1, "the tick goes back as far as something was left");
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn a_send_that_must_wait_an_hour_waits_on_the_agenda_and_not_a_second_less() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.channel().fail(Fault::Status(Refusal::new(429, "Throttled", "slow down").retry_after("3600")));
    bundle.receive(bundle.channel().message(&alex, "hello")).await;
    bundle.drain().await;

    bundle.clock().advance(57 * MINUTE - Duration::from_secs(1));
    let early = bundle.tick().await;
    bundle.clock().advance(Duration::from_secs(1));
    let due = bundle.tick().await;
    bundle.drain().await;

    assert_eq!(
        (&early["queued"], &due["queued"]),
        (&json!(0), &json!(1)),
        "three minutes ahead it is queued"
    );
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn ticks_that_were_missed_are_made_up_for_and_one_that_died_doubles_nothing() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.tick().await;
    refuse(&bundle, &["SendMessage"]);
    bundle.receive(bundle.channel().message(&alex, "hello")).await;

    bundle.clock().advance(5 * 60 * MINUTE);
    refuse(&bundle, &["DeleteItem"]);
    let died = bundle.try_tick().await;
    refuse(&bundle, &[]);
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert!(died.is_err(), "it queued the turn and could not take it off the agenda");
    assert_eq!(moved["queued"], 1);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn an_item_that_cannot_be_read_stops_no_other() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
    let (timers, now) = (&bundle.local().bundle.worker.parts().timers, bundle.clock().now());
    for body in ["one", "two"] {
        timers.put(&Timer::new(QueueTarget::Tasks, body.to_owned(), now), now).await.unwrap();
    }
    bundle.spoil_an_item("queue").await;

    let moved = bundle.tick().await;

    assert_eq!(moved, json!({ "queued": 1, "kept": 0, "unreadable": 1 }));
    bundle.purge("tasks").await;
    bundle.end().await;
}
