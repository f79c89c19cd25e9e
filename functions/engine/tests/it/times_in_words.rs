//! Times in words: the requests of a field case, each set exactly as it was written.

use std::sync::Arc;

use engine::order_desk::OrderDesk;
use herald::agent::{Effect, Engine, Outcome, Response, Turn};
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use jiff::Timestamp;
use serde_json::Value;
use support::TestBundle;

const FIXTURE: &str = include_str!("../../../../tests/fixtures/times-in-words.json");

/// Requests of the fixture, with what is confirmed and the subject.
const REQUESTS: [(&str, &str, &str); 4] = [
    (
        "behind",
        "every Thursday at 10:55, for the first time on Thursday, 3 December 2026 at 10:55",
        "listen to the radio",
    ),
    (
        "before",
        "every Thursday at 10:55, for the first time on Thursday, 3 December 2026 at 10:55",
        "listen to the radio",
    ),
    ("everyDay", "every day at 08:00, for the first time on Sunday, 29 November 2026 at 08:00", "stretch"),
    ("weekdays", "every weekday at 17:30, for the first time on Monday, 30 November 2026 at 17:30", "leave"),
];

#[tokio::test]
async fn field_case_is_confirmed_as_it_was_written() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let clock = TestBundle::clock_at_start();
    let sent_at: Timestamp = "2026-11-28T21:00:00Z".parse().unwrap();
    clock.advance(sent_at.duration_since(clock.now()).try_into().unwrap());
    let desk = OrderDesk::new(clock);
    assert_eq!(fixture["activities"].as_object().unwrap().len(), REQUESTS.len());

    for (name, when, subject) in REQUESTS {
        let activity: Activity = serde_json::from_value(fixture["activities"][name].clone()).unwrap();
        let reference = ConversationReference {
            timezone: Some("Europe/Zurich".to_owned()),
            ..ConversationReference::of(&with_connector(activity.clone())).unwrap()
        };
        let response = desk.on_activity(&Turn::new(activity, reference)).await.unwrap();

        let Response { outcome: Outcome::Reply(replies), effects } = response else { panic!("{name}") };
        let [Effect::Remind(reminder)] = &effects[..] else { panic!("{name}: {effects:?}") };
        let expected = format!("I will remind you {when} (Europe/Zurich): {subject}.");
        assert_eq!(replies[0].text.as_deref(), Some(expected.as_str()), "{name}");
        assert_eq!(reminder.label, subject);
    }
}

/// Returns the activity with a service URL that is valid outside of the emulator.
fn with_connector(activity: Activity) -> Activity {
    Activity { service_url: Some("https://smba.trafficmanager.net/emea/".to_owned()), ..activity }
}

#[tokio::test]
async fn unclear_request_is_a_question_and_sets_nothing() {
    let clock = TestBundle::clock_at_start();
    let bundle = TestBundle::with_shared(Arc::new(OrderDesk::new(clock.clone())), clock).await;
    let alex = bundle.install("Alex").await;
    for (asked, question) in [
        ("remind me every hour to drink", "I did not understand “every hour”."),
        ("remind me at 9 or 10 to call Sam", "Is “or 10” part of the time?"),
        ("remind me on Feb 30 to leap", "I did not understand “on Feb 30”."),
        ("remind me at 25:00 to call Sam", "I did not understand “at 25:00”."),
        ("remind me every week to report", "On which day?"),
        (
            "remind me tomorrow at 9 to book the 5pm train",
            "put that in quotes: “remind me tomorrow at 9 to \"book the 5pm train\"”.",
        ),
    ] {
        bundle.ask(&alex, asked).await;

        let answer = bundle.channel().texts().pop().unwrap();
        assert!(answer.contains(question), "{asked}: {answer}");
        bundle.clock().advance(std::time::Duration::from_secs(1));
    }

    bundle.ask(&alex, "my reminders").await;
    assert!(bundle.channel().texts().last().unwrap().starts_with("You have no reminders"));
    bundle.end().await;
}
