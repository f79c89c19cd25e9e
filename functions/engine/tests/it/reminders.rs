//! Reminders: set in a chat, delivered once when due, and never after they were cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::order_desk::OrderDesk;
use herald::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Fault, Operation, Person, Refusal};
use local::fault_injection::RequestFate;
use local::poller::Step;
use serde_json::json;
use support::TestBundle;

const MINUTE: Duration = Duration::from_secs(60);

async fn order_desk() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let desk = OrderDesk::new(clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(desk), clock).await;
    bundle.tick().await;
    bundle
}

async fn ask(bundle: &TestBundle, person: &Person, text: &str) {
    bundle.ask(person, text).await;
}

/// Advances the clock to `at`, ticks and works on what is due.
async fn at(bundle: &TestBundle, at: Timestamp) {
    bundle.clock().advance(at.duration_since(bundle.clock().now()).try_into().unwrap());
    bundle.tick().await;
    bundle.drain().await;
}

/// Ticks just before a reminder is due: its message is received once and returned.
async fn too_early(bundle: &TestBundle, at: Timestamp) {
    bundle.clock().advance(at.duration_since(bundle.clock().now()).try_into().unwrap());
    bundle.tick().await;
    let Step::Returned { receipt } = bundle.step("tasks").await else {
        panic!("the message was not returned")
    };
    bundle.make_visible("tasks", &receipt).await;
}

/// Returns the texts of the delivered reminders.
fn reminder_texts(bundle: &TestBundle) -> Vec<String> {
    bundle
        .channel()
        .texts()
        .iter()
        .filter_map(|text| text.strip_prefix("Reminder: ").map(str::to_owned))
        .collect()
}

fn refuse(bundle: &TestBundle, refused: &'static str) {
    let hook = move |operation: &str| match !refused.is_empty() && operation.contains(refused) {
        true => RequestFate::Refuse,
        false => RequestFate::Pass,
    };
    bundle.local().stack.on_request(Arc::new(hook));
}

#[tokio::test]
async fn reminder_is_delivered_once_when_due() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let asked = bundle.clock().now();
    ask(&bundle, &alex, "remind me in 10 minutes to call Robin").await;

    at(&bundle, asked + 7 * MINUTE - Duration::from_secs(1)).await;
    let early = reminder_texts(&bundle);
    at(&bundle, asked + 10 * MINUTE).await;
    at(&bundle, asked + 20 * MINUTE).await;

    assert!(early.is_empty());
    assert_eq!(reminder_texts(&bundle), ["call Robin"]);
    ask(&bundle, &alex, "my reminders").await;
    assert!(bundle.channel().texts().last().unwrap().starts_with("You have no reminders"));
    bundle.end().await;
}

#[tokio::test]
async fn reminder_due_soon_waits_in_the_queue_and_is_never_early() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    bundle.send(&alex, "remind me in 1 minute to eat").await;
    bundle.step("turns").await;

    let Step::Returned { receipt } = bundle.step("tasks").await else {
        panic!("the message was not returned")
    };
    let early = reminder_texts(&bundle);
    bundle.clock().advance(MINUTE - Duration::from_millis(1));
    bundle.make_visible("tasks", &receipt).await;
    let Step::Returned { receipt } = bundle.step("tasks").await else {
        panic!("the message was not returned")
    };
    bundle.clock().advance(Duration::from_millis(1));
    bundle.make_visible("tasks", &receipt).await;
    bundle.step("tasks").await;

    assert!(early.is_empty());
    assert_eq!(reminder_texts(&bundle), ["eat"]);
    bundle.end().await;
}

#[tokio::test]
async fn cancelled_reminder_is_not_delivered_even_when_queued() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let asked = bundle.clock().now();
    ask(&bundle, &alex, "remind me in 10 minutes to call Robin").await;
    bundle.clock().advance(8 * MINUTE);
    let moved = bundle.tick().await;

    bundle.send(&alex, "cancel my reminder").await;
    bundle.step("turns").await;
    at(&bundle, asked + 11 * MINUTE).await;

    assert_eq!(moved["queued"], 1);
    assert!(bundle.channel().texts().last().unwrap().starts_with("Your reminder is cancelled"));
    assert!(reminder_texts(&bundle).is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn cancelled_reminder_stays_cancelled_after_its_turn_is_redelivered() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let asked = bundle.clock().now();
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("120");
    bundle.channel().fail_on(Operation::Send, Fault::Status(throttled));
    bundle.send(&alex, "remind me in 10 minutes to call Robin").await;
    bundle.step("turns").await;

    bundle.clock().advance(Duration::from_secs(1));
    bundle.send(&alex, "cancel my reminder").await;
    bundle.step("turns").await;
    bundle.clock().advance(2 * MINUTE);
    bundle.drain().await;
    at(&bundle, asked + 11 * MINUTE).await;

    let texts = bundle.channel().texts();
    assert!(texts.iter().any(|text| text.starts_with("I will remind you")), "{texts:?}");
    assert!(reminder_texts(&bundle).is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn missed_ticks_deliver_each_reminder_once() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
    ask(&bundle, &alex, "remind me at 10:00 to call").await;

    bundle.clock().advance(2 * 60 * MINUTE);
    bundle.tick().await;
    bundle.drain().await;
    let after_missed_ticks = reminder_texts(&bundle);
    too_early(&bundle, "2026-11-23T09:29:59Z".parse().unwrap()).await;
    let early = reminder_texts(&bundle).len();
    at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

    assert_eq!(after_missed_ticks.len(), 2, "{after_missed_ticks:?}");
    assert_eq!((early, reminder_texts(&bundle).len()), (2, 3));
    bundle.end().await;
}

#[tokio::test]
async fn crashed_tick_repeats_no_reminder() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
    bundle.clock().advance(31 * MINUTE);

    refuse(&bundle, "BatchWriteItem");
    let died = bundle.try_tick().await;
    refuse(&bundle, "");
    bundle.tick().await;
    bundle.drain().await;
    at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

    assert!(died.is_err());
    assert_eq!(reminder_texts(&bundle), ["stretch", "stretch"]);
    bundle.end().await;
}

#[tokio::test]
async fn any_failed_write_leaves_one_delivery_and_the_next_occurrence() {
    for refused in 0..8 {
        let bundle = order_desk().await;
        let alex = bundle.install("Alex").await;
        ask(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
        bundle.clock().advance(31 * MINUTE);
        bundle.tick().await;
        let writes = AtomicUsize::new(0);
        let hook = move |operation: &str| {
            let is_write = operation.contains("PutItem") || operation.contains("UpdateItem");
            match is_write && writes.fetch_add(1, Ordering::Relaxed) == refused {
                true => RequestFate::Refuse,
                false => RequestFate::Pass,
            }
        };
        bundle.local().stack.on_request(Arc::new(hook));

        let work = async {
            loop {
                match bundle.step("tasks").await {
                    Step::Idle => return,
                    Step::Settled => {}
                    Step::Returned { receipt } => {
                        // Any lease has expired by then.
                        bundle.clock().advance(Duration::from_secs(31));
                        bundle.make_visible("tasks", &receipt).await;
                    }
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = bundle.clock().flow(Duration::from_secs(9)) => unreachable!("time flows on"),
        }
        bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));
        at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

        assert_eq!(reminder_texts(&bundle), ["stretch", "stretch"], "write {refused} was refused");
        bundle.end().await;
    }
}

#[tokio::test]
async fn inactive_conversation_gets_no_reminder_and_no_next_occurrence() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.receive(bundle.channel().uninstall(&alex)).await;
    bundle.drain().await;

    at(&bundle, "2026-11-22T09:30:00Z".parse().unwrap()).await;
    at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

    assert!(reminder_texts(&bundle).is_empty());
    assert_eq!(bundle.tick().await["queued"], 0);
    bundle.end().await;
}

#[tokio::test]
async fn reminder_ignores_quiet_hours_and_mutes() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    for text in ["mute", "quiet hours 9:00 to 17:00", "remind me in 10 minutes to call Robin"] {
        ask(&bundle, &alex, text).await;
        bundle.clock().advance(Duration::from_secs(1));
    }

    at(&bundle, bundle.clock().now() + 10 * MINUTE).await;

    assert_eq!(reminder_texts(&bundle), ["call Robin"]);
    bundle.end().await;
}

#[tokio::test]
async fn reminders_are_listed_and_cancelled_by_number() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    for text in ["remind me tomorrow at 9 to eat", "remind me tomorrow at 8 to wake up", "my reminders"] {
        ask(&bundle, &alex, text).await;
    }
    let list = bundle.channel().texts().pop().unwrap();
    let first = list.lines().find(|line| line.starts_with("- ")).unwrap().to_owned();
    let number = first.trim_start_matches("- ").split(':').next().unwrap().to_owned();

    ask(&bundle, &alex, &format!("cancel reminder {number}")).await;
    at(&bundle, "2026-11-23T09:00:00Z".parse().unwrap()).await;

    assert!(first.contains("wake up") && first.contains("Monday, 23 November 2026 at 08:00"), "{list}");
    assert_eq!(reminder_texts(&bundle), ["eat"]);
    bundle.end().await;
}

#[tokio::test]
async fn redelivered_reminder_is_sent_once() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "remind me in 10 minutes to call Robin").await;
    bundle.clock().advance(10 * MINUTE);
    refuse(&bundle, "BatchWriteItem");
    assert!(bundle.try_tick().await.is_err());
    refuse(&bundle, "");

    bundle.drain().await;
    bundle.tick().await;
    bundle.drain().await;

    assert_eq!(reminder_texts(&bundle), ["call Robin"]);
    bundle.end().await;
}

/// Three instants in UTC around a daylight saving change.
type Moments = [&'static str; 3];

/// Instants at which 02:30 occurs in a zone on the days before, of and after its change in spring and that in autumn:
/// the instant at which it is skipped, and the first of two. Computed with Python's `zoneinfo`.
#[rustfmt::skip]
const ZONES: [(&str, Moments, Moments); 16] = [
    ("Europe/Zurich", ["2027-03-27T01:30Z", "2027-03-28T01:00Z", "2027-03-29T00:30Z"], ["2027-10-30T00:30Z", "2027-10-31T00:30Z", "2027-11-01T01:30Z"]),
    ("Europe/London", ["2027-03-27T02:30Z", "2027-03-28T01:30Z", "2027-03-29T01:30Z"], ["2027-10-30T01:30Z", "2027-10-31T02:30Z", "2027-11-01T02:30Z"]),
    ("Europe/Lisbon", ["2027-03-27T02:30Z", "2027-03-28T01:30Z", "2027-03-29T01:30Z"], ["2027-10-30T01:30Z", "2027-10-31T02:30Z", "2027-11-01T02:30Z"]),
    ("America/New_York", ["2027-03-13T07:30Z", "2027-03-14T07:00Z", "2027-03-15T06:30Z"], ["2027-11-06T06:30Z", "2027-11-07T07:30Z", "2027-11-08T07:30Z"]),
    ("America/St_Johns", ["2027-03-13T06:00Z", "2027-03-14T05:30Z", "2027-03-15T05:00Z"], ["2027-11-06T05:00Z", "2027-11-07T06:00Z", "2027-11-08T06:00Z"]),
    ("America/Los_Angeles", ["2027-03-13T10:30Z", "2027-03-14T10:00Z", "2027-03-15T09:30Z"], ["2027-11-06T09:30Z", "2027-11-07T10:30Z", "2027-11-08T10:30Z"]),
    ("America/Santiago", ["2027-09-04T06:30Z", "2027-09-05T05:30Z", "2027-09-06T05:30Z"], ["2027-04-03T05:30Z", "2027-04-04T06:30Z", "2027-04-05T06:30Z"]),
    ("America/Sao_Paulo", ["2027-10-16T05:30Z", "2027-10-17T05:30Z", "2027-10-18T05:30Z"], ["2027-02-20T05:30Z", "2027-02-21T05:30Z", "2027-02-22T05:30Z"]),
    ("Africa/Casablanca", ["2027-03-13T02:30Z", "2027-03-14T02:00Z", "2027-03-15T01:30Z"], ["2027-02-06T01:30Z", "2027-02-07T01:30Z", "2027-02-08T02:30Z"]),
    ("Africa/Cairo", ["2027-04-29T00:30Z", "2027-04-29T23:30Z", "2027-04-30T23:30Z"], ["2027-10-27T23:30Z", "2027-10-29T00:30Z", "2027-10-30T00:30Z"]),
    ("Asia/Beirut", ["2027-03-27T00:30Z", "2027-03-27T23:30Z", "2027-03-28T23:30Z"], ["2027-10-29T23:30Z", "2027-10-31T00:30Z", "2027-11-01T00:30Z"]),
    ("Asia/Kolkata", ["2027-03-26T21:00Z", "2027-03-27T21:00Z", "2027-03-28T21:00Z"], ["2027-10-29T21:00Z", "2027-10-30T21:00Z", "2027-10-31T21:00Z"]),
    ("Australia/Adelaide", ["2027-10-01T17:00Z", "2027-10-02T16:30Z", "2027-10-03T16:00Z"], ["2027-04-02T16:00Z", "2027-04-03T16:00Z", "2027-04-04T17:00Z"]),
    ("Australia/Lord_Howe", ["2027-10-01T16:00Z", "2027-10-02T15:30Z", "2027-10-03T15:30Z"], ["2027-04-02T15:30Z", "2027-04-03T16:00Z", "2027-04-04T16:00Z"]),
    ("Pacific/Chatham", ["2027-09-24T13:45Z", "2027-09-25T13:45Z", "2027-09-26T12:45Z"], ["2027-04-02T12:45Z", "2027-04-03T12:45Z", "2027-04-04T13:45Z"]),
    ("Pacific/Apia", ["2027-09-24T13:30Z", "2027-09-25T13:30Z", "2027-09-26T13:30Z"], ["2027-04-02T13:30Z", "2027-04-03T13:30Z", "2027-04-04T13:30Z"]),
];

/// Asserts that a daily reminder at 02:30 comes at each of the three instants, not a minute before, and only once.
async fn reminders_around(moments: impl Fn(&(&'static str, Moments, Moments)) -> Moments) {
    for row in &ZONES {
        let moments = moments(row).map(|moment| moment.parse::<Timestamp>().unwrap());
        let bundle = order_desk().await;
        let before = moments[0] - SignedDuration::from_hours(2);
        bundle.clock().advance(before.duration_since(bundle.clock().now()).try_into().unwrap());
        let mut person = bundle.channel().add_person("Alex");
        person.time_zone = row.0.to_owned();
        ask(&bundle, &person, "remind me every day at 2:30 to stretch").await;

        for (index, moment) in moments.into_iter().enumerate() {
            too_early(&bundle, moment - SignedDuration::from_mins(1)).await;
            assert_eq!(reminder_texts(&bundle).len(), index, "{}: a minute before {moment}", row.0);
            at(&bundle, moment).await;
            assert_eq!(reminder_texts(&bundle).len(), index + 1, "{}: at {moment}", row.0);
            // The amounts by which clocks are set back in some zone.
            for minutes in [30, 60] {
                at(&bundle, moment + SignedDuration::from_mins(minutes)).await;
                assert_eq!(
                    reminder_texts(&bundle).len(),
                    index + 1,
                    "{}: {minutes} minutes after {moment}",
                    row.0
                );
            }
        }
        bundle.end().await;
    }
}

#[tokio::test]
async fn daily_reminder_comes_once_a_day_across_the_spring_change_anywhere() {
    reminders_around(|row| row.1).await;
}

#[tokio::test]
async fn daily_reminder_comes_once_a_day_across_the_autumn_change_anywhere() {
    reminders_around(|row| row.2).await;
}

#[test]
fn reminder_is_stored_in_its_documented_form() {
    let json = json!({
        "label": "call", "message": { "type": "message", "text": "Reminder: call" }, "due": "2026-11-23T09:00:00Z",
        "every": { "days": { "weekly": "monday" }, "at": "09:00:00", "zone": "Europe/Zurich" },
    });

    let reminder: herald::agent::reminder::Reminder = serde_json::from_value(json.clone()).unwrap();

    assert_eq!(serde_json::to_value(reminder).unwrap(), json);
}
