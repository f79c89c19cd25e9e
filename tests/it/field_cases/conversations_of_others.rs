//! Whose conversation: one is a person's own only where the channel says so, and one is known only where the agent is a
//! member. `privacy` has arbitrary histories.

use std::time::Duration;

use local::channel_emulator::{Effect, Person};
use serde_json::{Value, json};
use support::fixtures::activity_of;
use support::{ScriptedEngine, TestBundle};

const CASE: &str = include_str!("../../fixtures/compose-invoke-from-a-meeting-chat.json");

/// Sends a notification to the person and one to everyone; returns the conversations in which they were shown.
async fn notify(bundle: &TestBundle, person: &Person) -> Vec<String> {
    let to = json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id });
    for (key, audience) in [("one", to), ("all", json!({ "kind": "everyone" }))] {
        let event = json!({
            "version": 1, "notification": "news", "key": key, "audience": audience, "content": { "text": "News." },
        });
        bundle.clock().advance(Duration::from_secs(61));
        bundle.local().fire(event).await.unwrap();
        bundle.drain().await;
    }
    let entries = bundle.channel().entries();
    let shown = entries.into_iter().filter(|entry| entry.effect == Effect::Sent && entry.shows_message());
    shown.filter_map(|entry| entry.conversation).collect()
}

/// Delivers an activity, whatever the answer, and works on all queues.
async fn play(bundle: &TestBundle, activity: Value) {
    let answer = bundle.deliver(activity).await;
    assert!([200, 202, 501].contains(&answer.status), "{}", answer.status);
    bundle.drain().await;
}

#[tokio::test]
async fn meeting_in_which_a_message_extension_is_invoked_is_nobodys_own_conversation() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let pat = bundle.channel().add_person("Pat");
    let own = bundle.channel().personal_conversation(&pat);
    let case: Value = serde_json::from_str(CASE).unwrap();
    let meeting = activity_of(&bundle, &pat, &case["activities"]["meeting"].to_string());

    play(&bundle, meeting).await;

    let shown = notify(&bundle, &pat).await;
    assert!(!shown.is_empty() && shown.iter().all(|conversation| *conversation == own), "{shown:?}");
    bundle.end().await;
}

/// Activities from a conversation of several people, or of no kind that the channel names, by a name for the message.
fn from_elsewhere(bundle: &TestBundle, pat: &Person, kim: &Person) -> Vec<(&'static str, Value)> {
    let channel = bundle.channel();
    let (group, meeting) =
        (channel.add_group_chat("Lunch", &[pat, kim]), channel.add_meeting("Review", &[pat, kim]));
    let team = channel.add_channel("Office", "General");
    let stranger = channel.add_meeting("A chat without the agent", &[pat, kim]);
    let without_type = |mut activity: Value| {
        let conversation = activity["conversation"].as_object_mut().unwrap();
        conversation.remove("conversationType");
        conversation.remove("isGroup");
        activity
    };
    let action = |conversation: &str| {
        let mut invoke = channel.activity(pat, conversation, "invoke");
        invoke["name"] = json!("adaptiveCard/action");
        invoke["value"] = json!({ "action": { "type": "Action.Execute", "verb": "x" } });
        without_type(invoke)
    };
    let one_to_one = |mut activity: Value| {
        // The chat of two people, from which an extension is invoked.
        activity["conversation"] = json!({
            "id": "19:pat_kim@unq.gbl.spaces", "conversationType": "personal", "tenantId": pat.tenant,
        });
        activity
    };
    vec![
        ("a fetch from a meeting", channel.compose_fetch(pat, &meeting, "c")),
        ("a query from a meeting", channel.compose_query(pat, &meeting, "c", "x")),
        ("a fetch from a group chat", channel.compose_fetch(pat, &group, "c")),
        ("a fetch from a channel", channel.compose_fetch(pat, &team.id, "c")),
        ("a fetch from the chat of two people", one_to_one(channel.compose_fetch(pat, &stranger, "c"))),
        ("a card's button in a chat without the agent", action(&stranger)),
        ("a message in a meeting without type", without_type(channel.message_in(pat, &meeting, "hello"))),
        ("a message in a group without type", without_type(channel.message_in(pat, &group, "hello"))),
        ("a reaction in a group without type", without_type(channel.reaction_in(pat, &group, "1", "like"))),
        ("a message in a group chat", channel.message_in(pat, &group, "hello")),
        ("a message in a channel", channel.mention(pat, &team, "hello")),
    ]
}

#[tokio::test]
async fn nothing_from_elsewhere_becomes_a_persons_own_conversation() {
    for number in 0.. {
        let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
        let (pat, kim) = (bundle.channel().add_person("Pat"), bundle.channel().add_person("Kim"));
        let own = bundle.channel().personal_conversation(&pat);
        let Some((name, activity)) = from_elsewhere(&bundle, &pat, &kim).into_iter().nth(number) else {
            assert!(number > 6);
            return bundle.end().await;
        };
        play(&bundle, activity.clone()).await;

        let unknown = notify(&bundle, &pat).await;
        bundle.send(&pat, "hello").await;
        play(&bundle, activity).await;
        let known = notify_again(&bundle, &pat).await;

        assert!(
            unknown.iter().chain(&known).all(|conversation| *conversation == own),
            "{name}: {unknown:?} {known:?}"
        );
        assert!(!known.is_empty(), "{name}");
        bundle.end().await;
    }
}

async fn notify_again(bundle: &TestBundle, person: &Person) -> Vec<String> {
    let before = bundle.channel().entries().len();
    let to = json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id });
    let event = json!({
        "version": 1, "notification": "news", "key": "again", "audience": to, "content": { "text": "News." },
    });
    bundle.clock().advance(Duration::from_secs(61));
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;
    let entries = bundle.channel().entries().split_off(before);
    let shown = entries.into_iter().filter(|entry| entry.effect == Effect::Sent && entry.shows_message());
    shown.filter_map(|entry| entry.conversation).collect()
}

#[tokio::test]
async fn invoke_from_a_known_conversation_does_not_bring_it_back() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let pat = bundle.install("Pat").await;
    bundle.receive(bundle.channel().uninstall(&pat)).await;
    bundle.drain().await;
    bundle.clock().advance(Duration::from_secs(61));

    let own = bundle.channel().personal_conversation(&pat);
    play(&bundle, bundle.channel().compose_fetch(&pat, &own, "c")).await;
    bundle
        .local()
        .fire(support::broadcasts::news(json!({ "kind": "everyone" }), json!({ "text": "News." })))
        .await
        .unwrap();
    bundle.drain().await;

    assert_eq!(bundle.channel().entries().len(), 0, "a person who removed the agent gets nothing");
    bundle.end().await;
}
