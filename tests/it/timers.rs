//! Durable timers: how the tick queues them, and activities that are stored while their queue is down.

mod overlapping;

use std::sync::Arc;
use std::time::Duration;

use herald::broadcast::Status;
use herald::clock::Clock;
use herald::jobs::timers::{QueueTarget, Timer};
use local::channel_emulator::{Fault, Refusal};
use local::fault_injection::RequestFate;
use proactive::event_handler::TICK_FAILED;
use serde_json::json;
use support::broadcasts::{news, populate, state};
use support::{ScriptedEngine, TestBundle};

const MINUTE: Duration = Duration::from_secs(60);

fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}

/// Makes the emulator reject every request whose operation contains one of these.
fn refuse(bundle: &TestBundle, operations: &'static [&'static str]) {
    let is_refused = move |operation: &str| operations.iter().any(|refused| operation.contains(refused));
    let hook =
        move |operation: &str| if is_refused(operation) { RequestFate::Refuse } else { RequestFate::Pass };
    bundle.local().stack.on_request(Arc::new(hook));
}

#[tokio::test]
async fn activity_is_stored_as_timer_while_its_queue_is_down() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.install("Alex").await;

    refuse(&bundle, &["SendMessage"]);
    bundle.send(&alex, "hello").await;
    refuse(&bundle, &[]);
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert_eq!(moved, json!({ "queued": 1, "kept": 0, "unreadable": 0 }));
    assert_eq!(bundle.channel().texts(), ["Hello.", "Hello."]);
    assert_eq!(bundle.tick().await["queued"], 0, "the timer is removed");
    bundle.end().await;
}

#[tokio::test]
async fn activity_that_cannot_be_stored_is_rejected() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");

    refuse(&bundle, &["SendMessage", "PutItem"]);
    let answer = bundle.deliver(bundle.channel().message(&alex, "hello")).await;

    assert_eq!(answer.status, 503);
    assert!(bundle.items().await.is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn activity_with_slow_queue_is_stored_within_the_response_limit() {
    let bundle = Arc::new(TestBundle::with(ScriptedEngine::replying("Hello.")).await);
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
async fn timer_stays_for_the_next_tick_when_queue_is_down() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    refuse(&bundle, &["SendMessage"]);
    bundle.send(&alex, "hello").await;

    let moved = bundle.tick().await;
    bundle.clock().advance(20 * MINUTE);
    refuse(&bundle, &[]);
    let later = bundle.tick().await;
    bundle.drain().await;

    assert_eq!(moved["kept"], 1);
    assert_eq!(later["queued"], 1, "the tick reads back to the oldest timer left");
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn send_delayed_by_an_hour_waits_as_timer_until_due() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.channel().fail(Fault::Status(Refusal::new(429, "Throttled", "slow down").retry_after("3600")));
    bundle.ask(&alex, "hello").await;

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
async fn missed_ticks_are_recovered_and_crashed_tick_repeats_nothing() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.tick().await;
    refuse(&bundle, &["SendMessage"]);
    bundle.send(&alex, "hello").await;

    bundle.clock().advance(5 * 60 * MINUTE);
    refuse(&bundle, &["BatchWriteItem"]);
    let died = bundle.try_tick().await;
    refuse(&bundle, &[]);
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert!(died.is_err(), "it queued the turn and could not delete the timer");
    assert_eq!(moved["queued"], 1);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn unreadable_timer_blocks_no_other() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let (timers, now) = (&bundle.local().functions.worker.parts().timers, bundle.clock().now());
    for body in ["one", "two"] {
        timers.put(&Timer::new(QueueTarget::Tasks, body.to_owned(), now), now).await.unwrap();
    }
    bundle.corrupt_item("queue").await;

    let moved = bundle.tick().await;

    assert_eq!(moved, json!({ "queued": 1, "kept": 0, "unreadable": 1 }));
    bundle.purge("tasks").await;
    bundle.end().await;
}

/// Ticks as the scheduler does, without an assertion about the summary.
async fn answer_of_tick(bundle: &TestBundle) -> serde_json::Value {
    bundle.local().fire(json!({ "version": 1, "tick": true })).await.unwrap()
}

#[tokio::test]
async fn failed_tick_answers_with_the_failure_and_the_next_one_catches_up() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.tick().await;
    refuse(&bundle, &["SendMessage"]);
    bundle.send(&alex, "hello").await;
    bundle.clock().advance(MINUTE);

    refuse(&bundle, &["GetItem", "Query"]);
    let failed = answer_of_tick(&bundle).await;
    refuse(&bundle, &[]);
    let next = answer_of_tick(&bundle).await;
    bundle.drain().await;

    assert!(failed["failed"]["timers"].is_string() && failed["failed"]["broadcasts"].is_string(), "{failed}");
    assert_eq!(next, json!({ "queued": 1, "kept": 0, "unreadable": 0 }));
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn broadcasts_advance_while_timers_fail() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 2).await;
    bundle.local().fire(news(json!({ "kind": "everyone" }), json!({ "text": "Hello." }))).await.unwrap();
    bundle.drain().await;
    let (timers, now) = (&bundle.local().functions.worker.parts().timers, bundle.clock().now());
    timers.put(&Timer::new(QueueTarget::Tasks, "one".to_owned(), now), now).await.unwrap();
    bundle.clock().advance(MINUTE);

    refuse(&bundle, &["BatchWriteItem"]);
    let failed = answer_of_tick(&bundle).await;
    refuse(&bundle, &[]);

    assert!(failed["failed"]["timers"].is_string(), "{failed}");
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.tick().await;
    bundle.purge("tasks").await;
    bundle.end().await;
}

#[test]
fn template_counts_the_log_line_of_a_failed_tick() {
    let pattern = format!("FilterPattern: '{{ $.message = \"{TICK_FAILED}\" }}'");

    assert!(local::TEMPLATE.contains(&pattern), "{pattern} is not in template.yaml");
    assert!(local::TEMPLATE.contains("MetricName: TicksFailed"));
}
