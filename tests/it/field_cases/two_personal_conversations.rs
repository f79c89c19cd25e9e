//! People with several personal conversations: notifications go to the one they used last, once, and to the next where it
//! refuses.

use std::time::Duration;

use herald::agent::{Effect as EngineEffect, Response, Topic};
use herald::broadcast::{BroadcastId, Outcome};
use herald::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{CopilotForm, Effect, Fault, Operation, Person, Refusal};
use serde_json::{Value, json};
use support::broadcasts::entries_of;
use support::{ScriptedEngine, TestBundle};

const CASE: &str = include_str!("../../fixtures/two-personal-conversations.json");

/// Delivers a message of `person` in `conversation`, written `minutes` before now.
async fn write_in(bundle: &TestBundle, person: &Person, conversation: &str, minutes: i64) {
    let mut activity = bundle.channel().message_in(person, conversation, "hello");
    activity["timestamp"] = json!(moment(bundle, minutes));
    bundle.receive(activity).await;
    bundle.drain().await;
}

fn moment(bundle: &TestBundle, minutes: i64) -> String {
    (bundle.clock().now() - SignedDuration::from_mins(minutes)).to_string()
}

/// Sends the notification `key` to `audience` and returns the conversations in which it was shown.
async fn notify(bundle: &TestBundle, key: &str, audience: Value) -> Vec<String> {
    let event = json!({
        "version": 1, "notification": "news", "key": key, "audience": audience, "content": { "text": key },
    });
    notify_with(bundle, key, event).await
}

async fn notify_with(bundle: &TestBundle, key: &str, event: Value) -> Vec<String> {
    bundle.clock().advance(Duration::from_secs(61));
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;
    let entries = bundle.channel().entries();
    let shown =
        entries.into_iter().filter(|entry| entry.effect == Effect::Sent && entry.activity["text"] == key);
    shown.filter_map(|entry| entry.conversation).collect()
}

fn to(person: &Person) -> Value {
    json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id })
}

fn everyone() -> Value {
    json!({ "kind": "everyone" })
}

async fn bundle() -> (TestBundle, Person, String, String) {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let pat = bundle.channel().add_person("Pat");
    let first = bundle.channel().personal_conversation(&pat);
    let second = bundle.channel().open_conversation(&pat);
    (bundle, pat, first, second)
}

#[tokio::test]
async fn notification_goes_to_the_conversation_used_last_in_either_order_of_arrival() {
    let case: Value = serde_json::from_str(CASE).unwrap();
    let time =
        |name: &str| case["activities"][name]["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let between = time("newer").duration_since(time("old"));
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let mut expected = Vec::new();
    for number in 0..8 {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        let pair =
            [bundle.channel().personal_conversation(&person), bundle.channel().open_conversation(&person)];
        let now = bundle.clock().now();
        let times = [now - between, now].map(|time| json!(time.to_string()));
        // Which of the two is the newer one, and which arrives first.
        let newer = number % 2;
        let mut arrivals = [(&pair[1 - newer], &times[0]), (&pair[newer], &times[1])];
        if number >= 4 {
            arrivals.reverse();
        }
        for (conversation, time) in arrivals {
            let mut activity = bundle.channel().message_in(&person, conversation, "hello");
            activity["timestamp"] = time.clone();
            bundle.receive(activity).await;
        }
        bundle.drain().await;

        let shown = notify(&bundle, &format!("to {number}"), to(&person)).await;

        assert_eq!(shown, [pair[newer].clone()], "person {number}");
        expected.push(pair[newer].clone());
    }

    let mut shown = notify(&bundle, "to everyone", everyone()).await;

    shown.sort();
    expected.sort();
    assert_eq!(shown, expected, "each person once, where they wrote last");
    bundle.end().await;
}

#[tokio::test]
async fn writing_again_moves_notifications_back() {
    let (bundle, pat, first, second) = bundle().await;
    write_in(&bundle, &pat, &first, 30).await;
    write_in(&bundle, &pat, &second, 20).await;
    let before = notify(&bundle, "before", to(&pat)).await;

    // Not an hour later, so that only the order of the two has changed.
    write_in(&bundle, &pat, &first, 10).await;

    assert_eq!(before, [second]);
    assert_eq!(notify(&bundle, "after", everyone()).await, [first]);
    bundle.end().await;
}

#[tokio::test]
async fn notification_goes_to_the_next_conversation_where_one_refuses() {
    let refusals = [(403, "BotNotInConversationRoster"), (404, "ConversationNotFound")];
    for gone in refusals.map(|(status, code)| Refusal::new(status, code, "No")) {
        let (bundle, pat, first, second) = bundle().await;
        write_in(&bundle, &pat, &first, 30).await;
        write_in(&bundle, &pat, &second, 20).await;
        bundle.channel().fail_on(Operation::Send, Fault::Status(gone));

        let shown = notify(&bundle, "one", everyone()).await;
        let later = notify(&bundle, "two", everyone()).await;

        assert_eq!(
            [shown, later],
            [vec![first.clone()], vec![first]],
            "nor is the one that refused asked again"
        );
        let line = entries_of(&bundle, &BroadcastId::of_key("one")).await.remove(0);
        assert_eq!(line.outcome, Outcome::Delivered);
        bundle.end().await;
    }
}

#[tokio::test]
async fn new_conversation_is_created_where_every_one_refuses() {
    let (bundle, pat, first, second) = bundle().await;
    write_in(&bundle, &pat, &first, 30).await;
    write_in(&bundle, &pat, &second, 20).await;
    bundle.channel().close_conversation(&first);
    bundle.channel().close_conversation(&second);

    let shown = notify(&bundle, "one", everyone()).await;
    let later = notify(&bundle, "two", to(&pat)).await;

    assert_eq!((shown.len(), &shown), (1, &later));
    assert!(shown[0] != first && shown[0] != second);
    bundle.end().await;
}

#[tokio::test]
async fn conversation_that_removed_the_agent_is_not_the_primary_one() {
    let (bundle, pat, first, second) = bundle().await;
    write_in(&bundle, &pat, &second, 30).await;
    bundle.receive(bundle.channel().install(&pat)).await;
    bundle.drain().await;
    let before = notify(&bundle, "before", to(&pat)).await;

    let mut removed = bundle.channel().uninstall(&pat);
    bundle.channel().install(&pat);
    removed["timestamp"] = json!(moment(&bundle, 0));
    bundle.receive(removed).await;
    bundle.drain().await;

    assert_eq!(before, [first]);
    assert_eq!(notify(&bundle, "after", everyone()).await, [second]);
    bundle.end().await;
}

#[tokio::test]
async fn threads_of_copilot_are_not_where_notifications_go() {
    for form in CopilotForm::ALL {
        let (bundle, pat, chat, thread) = bundle().await;
        write_in(&bundle, &pat, &chat, 30).await;
        bundle.receive(bundle.channel().copilot_message(&pat, &thread, "hello", form)).await;
        // What is said in the thread later need not name Copilot again.
        let mut reaction = bundle.channel().reaction_in(&pat, &thread, "1", "like");
        reaction["timestamp"] = json!(moment(&bundle, -1));
        bundle.receive(reaction).await;
        bundle.drain().await;

        assert_eq!(notify(&bundle, "news", everyone()).await, [chat], "{form:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn person_with_nothing_but_copilot_gets_a_chat() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let pat = bundle.channel().add_person("Pat");
    // The first conversation of a person is the one that creation returns.
    let chat = bundle.channel().personal_conversation(&pat);
    let thread = bundle.channel().open_conversation(&pat);
    bundle.receive(bundle.channel().copilot_message(&pat, &thread, "hello", CopilotForm::ProductInfo)).await;
    bundle.drain().await;

    let first = notify(&bundle, "one", everyone()).await;
    let german = json!({ "kind": "segment", "locales": ["en"] });
    let second = notify(&bundle, "two", german).await;

    assert_eq!([first, second], [vec![chat.clone()], vec![chat]]);
    let created = bundle.channel().entries().into_iter().filter(|entry| entry.effect == Effect::Created);
    assert_eq!(created.count(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn dedicated_thread_is_a_new_conversation_of_copilot() {
    let (bundle, pat, chat, _) = bundle().await;
    write_in(&bundle, &pat, &chat, 30).await;
    let event = json!({
        "version": 1, "notification": "news", "key": "one", "audience": to(&pat), "content": { "text": "one" },
        "dedicated_thread": true,
    });

    let shown = notify_with(&bundle, "one", event).await;

    assert_eq!(shown.len(), 1);
    let created: Vec<_> = bundle
        .channel()
        .entries()
        .into_iter()
        .filter(|entry| entry.effect == Effect::Created)
        .map(|entry| entry.parameters["channelData"]["conversation"]["conversationSubType"].clone())
        .collect();
    assert_eq!(created, [json!("AgentProactive")]);
    bundle.end().await;
}

#[tokio::test]
async fn subscription_is_of_the_person_in_all_their_conversations() {
    let topic = Topic::new("news").unwrap();
    let to_topic = json!({ "kind": "topic", "topic": "news" });
    let subscribing = Response::ignore().with_effect(EngineEffect::Subscribe { topic });
    let bundle = TestBundle::with(ScriptedEngine::deciding(subscribing)).await;
    let pat = bundle.channel().add_person("Pat");
    let first = bundle.channel().personal_conversation(&pat);
    let second = bundle.channel().open_conversation(&pat);
    write_in(&bundle, &pat, &first, 30).await;
    write_in(&bundle, &pat, &second, 20).await;

    assert_eq!(notify(&bundle, "one", to_topic).await, [second], "once, where they wrote last");
    bundle.end().await;
}
