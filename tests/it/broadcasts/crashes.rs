//! Broadcasts that are interrupted by a crash, a pause or a cancellation, and how they continue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use herald::broadcast::Status;
use herald::clock::Clock;
use local::fault_injection::RequestFate;
use support::ScriptedEngine;

use super::*;

fn hello() -> Value {
    json!({ "text": "Hello." })
}

fn everyone() -> Value {
    news(json!({ "kind": "everyone" }), hello())
}

/// Injects `fate` into the nth request of this operation.
fn inject_fault(bundle: &TestBundle, operation: &'static str, nth: usize, fate: RequestFate) {
    let seen = AtomicUsize::new(0);
    let hook = move |asked: &str| {
        let is_it = asked.contains(operation) && seen.fetch_add(1, Ordering::Relaxed) + 1 == nth;
        if is_it { fate } else { RequestFate::Pass }
    };
    bundle.local().stack.on_request(Arc::new(hook));
}

#[tokio::test]
async fn all_recipients_are_sent_and_the_tick_completes_the_broadcast() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 25).await;

    let planned = bundle.local().fire(everyone()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    assert_eq!(planned["recipients"], 25);
    assert_eq!(bundle.channel().texts(), vec!["Hello."; 25]);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 25)].into());
    assert_eq!(state(&bundle).await.status, Status::Done);
    assert_eq!(store(&bundle).list_open().await.unwrap(), []);
    bundle.end().await;
}

#[tokio::test]
async fn interrupted_plan_continues_with_the_tick_without_duplicates() {
    for (operation, nth, fate) in [
        ("SendMessageBatch", 1, RequestFate::HangUp),
        ("SendMessageBatch", 1, RequestFate::Refuse),
        ("Query", 100, RequestFate::Refuse),
        ("PutItem", 5, RequestFate::Refuse),
        ("PutItem", 4, RequestFate::HangUp),
    ] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        populate(&bundle, 40).await;
        inject_fault(&bundle, operation, nth, fate);

        // The SDK repeats a refused or dropped request; the next event continues after any other failure.
        let _ = bundle.local().fire(everyone()).await;
        bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));
        bundle.local().fire(everyone()).await.unwrap();
        tick(&bundle).await;
        bundle.drain().await;
        tick(&bundle).await;

        assert_eq!(bundle.channel().texts().len(), 40, "{operation} {nth} {fate:?}");
        assert_eq!(state(&bundle).await.status, Status::Done, "{operation} {nth} {fate:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn crashed_planner_is_replaced_by_the_tick_after_its_lease() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 12).await;
    let refused = |asked: &str| {
        if asked.contains("SendMessageBatch") { RequestFate::Swallow } else { RequestFate::Pass }
    };
    bundle.local().stack.on_request(Arc::new(refused));

    // The process of the planner ends in the middle of a request.
    let planning = bundle.local().fire(everyone());
    let died = tokio::time::timeout(std::time::Duration::from_millis(700), planning).await;
    bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));
    bundle.tick().await;
    let while_leased = state(&bundle).await;
    tick(&bundle).await;
    bundle.drain().await;

    assert!(died.is_err());
    assert_eq!(while_leased.recipients(), 0);
    assert_eq!(bundle.channel().texts().len(), 12);
    bundle.end().await;
}

#[tokio::test]
async fn repeated_event_continues_and_conflicting_event_is_rejected() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 3).await;

    for _ in 0..3 {
        bundle.local().fire(everyone()).await.unwrap();
    }
    let other = news(json!({ "kind": "everyone" }), json!({ "text": "Something else." }));
    let refused = bundle.local().fire(other).await.unwrap_err();
    bundle.drain().await;

    assert!(refused.to_string().contains("`key` was used"), "{refused}");
    assert_eq!(bundle.channel().texts(), vec!["Hello."; 3]);
    bundle.end().await;
}

#[tokio::test]
async fn pause_stops_unclaimed_deliveries_and_resume_sends_all() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 45).await;
    bundle.local().fire(everyone()).await.unwrap();
    bundle.step("deliveries").await;
    let before = bundle.channel().texts().len();

    apply_command(&bundle, Command::Pause).await;
    bundle.clock().advance(Duration::from_secs(5));
    bundle.drain().await;
    tick(&bundle).await;
    bundle.drain().await;
    let meanwhile = bundle.channel().texts().len();
    apply_command(&bundle, Command::Resume).await;
    tick(&bundle).await;
    bundle.drain().await;
    tick(&bundle).await;

    assert_eq!((before, meanwhile), (10, 10));
    assert_eq!(bundle.channel().texts().len(), 45);
    assert_eq!(state(&bundle).await.status, Status::Done);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 45)].into());
    bundle.end().await;
}

#[tokio::test]
async fn pause_applies_within_five_seconds_inside_a_batch() {
    let bundle = TestBundle::with_rate(ScriptedEngine::default(), 1).await;
    populate(&bundle, 10).await;
    bundle.local().fire(everyone()).await.unwrap();

    let paused_at = bundle.clock().now() + jiff::SignedDuration::from_secs(2);
    let watch = async {
        while bundle.clock().now() < paused_at {
            tokio::task::yield_now().await;
        }
        apply_command(&bundle, Command::Pause).await;
        std::future::pending::<()>().await
    };
    tokio::select! {
        () = bundle.drain() => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
        () = watch => {}
    }

    let latest = bundle.channel().entries().iter().map(|entry| entry.at).max().unwrap();
    assert!(latest <= paused_at + jiff::SignedDuration::from_secs(6), "{latest}");
    assert!(bundle.channel().texts().len() < 10);
    bundle.end().await;
}

#[tokio::test]
async fn cancelled_broadcast_lists_unsent_recipients() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 25).await;
    bundle.local().fire(everyone()).await.unwrap();
    bundle.step("deliveries").await;

    apply_command(&bundle, Command::Cancel).await;
    bundle.clock().advance(Duration::from_secs(5));
    bundle.drain().await;
    for _ in 0..3 {
        tick(&bundle).await;
    }

    assert_eq!(bundle.channel().texts().len(), 10);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 10), (Outcome::Cancelled, 15)].into());
    assert_eq!(store(&bundle).list_open().await.unwrap(), []);
    bundle.end().await;
}

#[tokio::test]
async fn cancellation_releases_parked_deliveries() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 12).await;
    bundle.local().fire(everyone()).await.unwrap();
    apply_command(&bundle, Command::Pause).await;
    bundle.drain().await;

    apply_command(&bundle, Command::Cancel).await;
    tick(&bundle).await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    assert_eq!(outcomes(&bundle).await, [(Outcome::Cancelled, 12)].into());
    bundle.end().await;
}

#[tokio::test]
async fn at_most_five_minutes_of_sends_are_queued_ahead() {
    let bundle = TestBundle::with_rate(ScriptedEngine::default(), 1).await;
    populate(&bundle, 330).await;

    let planned = bundle.local().fire(everyone()).await.unwrap();
    let waiting = planned["recipients"].as_u64().unwrap();
    tokio::select! {
        () = bundle.drain() => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
    }
    tick(&bundle).await;
    tokio::select! {
        () = bundle.drain() => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
    }

    assert!((300..330).contains(&waiting), "{waiting} of 330 were planned at first");
    assert_eq!(bundle.channel().texts().len(), 330);
    bundle.end().await;
}

#[tokio::test]
async fn outcome_uncounted_after_a_crash_is_recounted() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 5).await;
    bundle.local().fire(everyone()).await.unwrap();
    // The counter is written after the entries.
    let lost =
        |asked: &str| if asked.contains("UpdateItem") { RequestFate::Refuse } else { RequestFate::Pass };
    bundle.local().stack.on_request(Arc::new(lost));
    let left = bundle.step("deliveries").await;
    bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));
    let local::poller::Step::Returned { receipt } = left else { panic!("the message was not returned") };
    bundle.make_visible("deliveries", &receipt).await;
    bundle.drain().await;

    for _ in 0..8 {
        tick(&bundle).await;
    }

    assert_eq!(bundle.channel().texts().len(), 5);
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}
