//! Reminders: set in a chat, said when they are due and not before, once, and not after they were cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::order_desk::OrderDesk;
use herald::clock::Clock;
use herald::jobs::timers::Minute;
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
    // Ticks make up for what was missed since the first of them.
    bundle.tick().await;
    bundle
}

async fn say(bundle: &TestBundle, person: &Person, text: &str) {
    bundle.receive(bundle.channel().message(person, text)).await;
    bundle.drain().await;
}

/// Lets the clock show `at`, ticks, and works on what is due: in the last hour, for in those before it had ticked.
async fn at(bundle: &TestBundle, at: Timestamp) {
    ticked_until(bundle, at - SignedDuration::from_mins(65)).await;
    bundle.clock().advance(at.duration_since(bundle.clock().now()).try_into().unwrap());
    bundle.tick().await;
    bundle.drain().await;
}

/// As if it had ticked every minute until then, and nothing had been due.
async fn ticked_until(bundle: &TestBundle, at: Timestamp) {
    bundle.local().bundle.proactive.timers.advance_watermark(Minute::of(at)).await.unwrap();
}

/// The same a moment too early: what is queued already is looked at once, and comes back when it is due.
async fn too_early(bundle: &TestBundle, at: Timestamp) {
    bundle.clock().advance(at.duration_since(bundle.clock().now()).try_into().unwrap());
    bundle.tick().await;
    let Step::Returned { receipt } = bundle.step("tasks").await else { panic!("it was not left") };
    bundle.bring_back("tasks", &receipt).await;
}

/// What people were reminded of.
fn reminded(bundle: &TestBundle) -> Vec<String> {
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
async fn a_reminder_comes_when_it_is_due_and_once() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let asked = bundle.clock().now();
    say(&bundle, &alex, "remind me in 10 minutes to call Robin").await;

    at(&bundle, asked + 7 * MINUTE - Duration::from_secs(1)).await;
    let early = reminded(&bundle);
    at(&bundle, asked + 10 * MINUTE).await;
    at(&bundle, asked + 20 * MINUTE).await;

    assert!(early.is_empty());
    assert_eq!(reminded(&bundle), ["call Robin"]);
    say(&bundle, &alex, "my reminders").await;
    assert!(bundle.channel().texts().last().unwrap().starts_with("You have no reminders"));
    bundle.end().await;
}

#[tokio::test]
async fn one_that_is_due_soon_waits_in_its_queue_and_is_never_early() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    bundle.receive(bundle.channel().message(&alex, "remind me in 1 minute to eat")).await;
    bundle.step("turns").await;

    let Step::Returned { receipt } = bundle.step("tasks").await else { panic!("it was not left") };
    let early = reminded(&bundle);
    bundle.clock().advance(MINUTE - Duration::from_millis(1));
    bundle.bring_back("tasks", &receipt).await;
    let Step::Returned { receipt } = bundle.step("tasks").await else { panic!("it was not left") };
    bundle.clock().advance(Duration::from_millis(1));
    bundle.bring_back("tasks", &receipt).await;
    bundle.step("tasks").await;

    assert!(early.is_empty());
    assert_eq!(reminded(&bundle), ["eat"]);
    bundle.end().await;
}

#[tokio::test]
async fn one_that_was_cancelled_is_silent_even_if_it_was_queued() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let asked = bundle.clock().now();
    say(&bundle, &alex, "remind me in 10 minutes to call Robin").await;
    bundle.clock().advance(8 * MINUTE);
    let moved = bundle.tick().await;

    bundle.receive(bundle.channel().message(&alex, "cancel my reminder")).await;
    bundle.step("turns").await;
    at(&bundle, asked + 11 * MINUTE).await;

    assert_eq!(moved["queued"], 1);
    assert!(bundle.channel().texts().last().unwrap().starts_with("I will not remind you"));
    assert!(reminded(&bundle).is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn a_cancel_holds_though_what_asked_for_the_reminder_is_done_again() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let asked = bundle.clock().now();
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("120");
    bundle.channel().fail_on(Operation::Send, Fault::Status(throttled));
    bundle.receive(bundle.channel().message(&alex, "remind me in 10 minutes to call Robin")).await;
    bundle.step("turns").await;

    bundle.clock().advance(Duration::from_secs(1));
    bundle.receive(bundle.channel().message(&alex, "cancel my reminder")).await;
    bundle.step("turns").await;
    bundle.clock().advance(2 * MINUTE);
    bundle.drain().await;
    at(&bundle, asked + 11 * MINUTE).await;

    let texts = bundle.channel().texts();
    assert!(texts.iter().any(|text| text.starts_with("I will remind you")), "{texts:?}");
    assert!(reminded(&bundle).is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn ticks_that_were_missed_are_made_up_for_once_and_nothing_is_doubled() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
    say(&bundle, &alex, "remind me at 10:00 to call").await;

    bundle.clock().advance(2 * 60 * MINUTE);
    bundle.tick().await;
    bundle.drain().await;
    let made_up_for = reminded(&bundle);
    ticked_until(&bundle, "2026-11-23T09:25:00Z".parse().unwrap()).await;
    too_early(&bundle, "2026-11-23T09:29:59Z".parse().unwrap()).await;
    let early = reminded(&bundle).len();
    at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

    assert_eq!(made_up_for.len(), 2, "{made_up_for:?}");
    assert_eq!((early, reminded(&bundle).len()), (2, 3));
    bundle.end().await;
}

#[tokio::test]
async fn a_tick_that_died_doubles_no_reminder() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
    bundle.clock().advance(31 * MINUTE);

    refuse(&bundle, "DeleteItem");
    let died = bundle.try_tick().await;
    refuse(&bundle, "");
    bundle.tick().await;
    bundle.drain().await;
    at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

    assert!(died.is_err());
    assert_eq!(reminded(&bundle), ["stretch", "stretch"]);
    bundle.end().await;
}

#[tokio::test]
async fn whichever_write_is_refused_it_is_said_once_and_comes_back() {
    for refused in 0..8 {
        let bundle = order_desk().await;
        let alex = bundle.install("Alex").await;
        say(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
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
                        // By then nobody has a claim any more.
                        bundle.clock().advance(Duration::from_secs(31));
                        bundle.bring_back("tasks", &receipt).await;
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

        assert_eq!(reminded(&bundle), ["stretch", "stretch"], "write {refused} was refused");
        bundle.end().await;
    }
}

#[tokio::test]
async fn in_a_conversation_that_is_over_nothing_is_said_and_nothing_comes_back() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "remind me every day at 9:30 to stretch").await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.receive(bundle.channel().uninstall(&alex)).await;
    bundle.drain().await;

    at(&bundle, "2026-11-22T09:30:00Z".parse().unwrap()).await;
    at(&bundle, "2026-11-23T09:30:00Z".parse().unwrap()).await;

    assert!(reminded(&bundle).is_empty());
    assert_eq!(bundle.tick().await["queued"], 0);
    bundle.end().await;
}

#[tokio::test]
async fn a_reminder_is_said_in_quiet_hours_and_to_who_has_muted_everything() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    for text in ["mute", "quiet hours 9:00 to 17:00", "remind me in 10 minutes to call Robin"] {
        say(&bundle, &alex, text).await;
        bundle.clock().advance(Duration::from_secs(1));
    }

    at(&bundle, bundle.clock().now() + 10 * MINUTE).await;

    assert_eq!(reminded(&bundle), ["call Robin"]);
    bundle.end().await;
}

#[tokio::test]
async fn several_are_listed_and_cancelled_by_their_number() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    for text in ["remind me tomorrow at 9 to eat", "remind me tomorrow at 8 to wake up", "my reminders"] {
        say(&bundle, &alex, text).await;
    }
    let list = bundle.channel().texts().pop().unwrap();
    let first = list.lines().find(|line| line.starts_with("- ")).unwrap().to_owned();
    let number = first.trim_start_matches("- ").split(':').next().unwrap().to_owned();

    say(&bundle, &alex, &format!("cancel reminder {number}")).await;
    at(&bundle, "2026-11-23T09:00:00Z".parse().unwrap()).await;

    assert!(first.contains("wake up") && first.contains("Monday, 23 November 2026 at 08:00"), "{list}");
    assert_eq!(reminded(&bundle), ["eat"]);
    bundle.end().await;
}

#[tokio::test]
async fn a_reminder_whose_message_comes_twice_is_said_once() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "remind me in 10 minutes to call Robin").await;
    bundle.clock().advance(10 * MINUTE);
    refuse(&bundle, "DeleteItem");
    assert!(bundle.try_tick().await.is_err());
    refuse(&bundle, "");

    bundle.drain().await;
    bundle.tick().await;
    bundle.drain().await;

    assert_eq!(reminded(&bundle), ["call Robin"]);
    bundle.end().await;
}

/// Three moments, in UTC, around a change of clocks.
type Moments = [&'static str; 3];

/// When the clocks of a zone show 02:30 on the days before, of and after its change in spring and that in autumn, or
/// what would be one: the moment at which they skip it, and the first of two. Reckoned with Python's `zoneinfo`.
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

/// A reminder every day at half past two comes at each of the three moments, not a minute before, and not again.
async fn reminders_around(moments: impl Fn(&(&'static str, Moments, Moments)) -> Moments) {
    for row in &ZONES {
        let moments = moments(row).map(|moment| moment.parse::<Timestamp>().unwrap());
        let bundle = order_desk().await;
        let before = moments[0] - SignedDuration::from_hours(2);
        bundle.clock().advance(before.duration_since(bundle.clock().now()).try_into().unwrap());
        ticked_until(&bundle, before).await;
        let mut person = bundle.channel().add_person("Alex");
        person.time_zone = row.0.to_owned();
        say(&bundle, &person, "remind me every day at 2:30 to stretch").await;

        for (index, moment) in moments.into_iter().enumerate() {
            ticked_until(&bundle, moment - SignedDuration::from_mins(5)).await;
            too_early(&bundle, moment - SignedDuration::from_mins(1)).await;
            assert_eq!(reminded(&bundle).len(), index, "{}: a minute before {moment}", row.0);
            at(&bundle, moment).await;
            assert_eq!(reminded(&bundle).len(), index + 1, "{}: at {moment}", row.0);
            // By so much clocks are put back somewhere.
            for minutes in [30, 60] {
                ticked_until(&bundle, moment + SignedDuration::from_mins(minutes - 3)).await;
                at(&bundle, moment + SignedDuration::from_mins(minutes)).await;
                assert_eq!(reminded(&bundle).len(), index + 1, "{}: {minutes} minutes after {moment}", row.0);
            }
        }
        bundle.end().await;
    }
}

#[tokio::test]
async fn in_every_zone_reminders_come_once_a_day_while_clocks_are_put_forward() {
    reminders_around(|row| row.1).await;
}

#[tokio::test]
async fn in_every_zone_reminders_come_once_a_day_while_clocks_are_put_back() {
    reminders_around(|row| row.2).await;
}

#[test]
fn a_reminder_is_kept_as_it_is_written() {
    let json = json!({
        "label": "call", "say": { "type": "message", "text": "Reminder: call" }, "due": "2026-11-23T09:00:00Z",
        "every": { "days": { "weekly": "monday" }, "at": "09:00:00", "zone": "Europe/Zurich" },
    });

    let reminder: herald::agent::reminder::Reminder = serde_json::from_value(json.clone()).unwrap();

    assert_eq!(serde_json::to_value(reminder).unwrap(), json);
}
