//! What an activity leaves out: it stays known, and is added to the activity before the engine sees it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use herald::agent::{Engine, EngineError, Progress, Response, TaskResponse, TaskRun, Turn};
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::TestBundle;
use support::fixtures::activity_of;

const CASE: &str = include_str!("../../fixtures/language-and-zone-left-out.json");

/// What the engine sees of the sender: language, zone, name and Entra id.
type Seen = [Option<String>; 4];

/// An engine that notes what it sees.
#[derive(Default)]
struct Noting(Mutex<Vec<Seen>>);

#[async_trait]
impl Engine for Noting {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        let user = turn.reference.user.as_ref();
        let seen = [
            turn.reference.locale.clone(),
            turn.reference.timezone.clone(),
            user.and_then(|user| user.name.clone()),
            user.and_then(|user| user.aad_object_id.as_ref()).map(ToString::to_string),
        ];
        self.0.lock().unwrap().push(seen);
        Ok(Response::ignore())
    }

    async fn run_task(&self, _: &TaskRun, _: &Progress) -> Result<TaskResponse, EngineError> {
        Ok(TaskResponse::done([]))
    }
}

async fn bundle() -> (TestBundle, Arc<Noting>) {
    let engine = Arc::new(Noting::default());
    let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
    (bundle, engine)
}

/// Returns what the engine sees of `activity`.
async fn seen(bundle: &TestBundle, engine: &Noting, activity: Value) -> Seen {
    bundle.receive(activity).await;
    bundle.drain().await;
    engine.0.lock().unwrap().pop().unwrap()
}

fn fixture(bundle: &TestBundle, pat: &Person, name: &str) -> Value {
    let case: Value = serde_json::from_str(CASE).unwrap();
    let mut activity = activity_of(bundle, pat, &case["activities"][name].to_string());
    activity["timestamp"] = case["activities"][name]["timestamp"].clone();
    if name == "reaction" {
        activity["from"].as_object_mut().unwrap().remove("name");
    }
    activity
}

fn as_seen(pat: &Person, locale: &str, zone: &str) -> Seen {
    [locale, zone, &pat.name, &pat.entra_id].map(|value| Some(value.to_owned()))
}

#[tokio::test]
async fn phone_is_read_in_the_zone_of_the_desktop_and_a_reaction_changes_nothing() {
    let (bundle, engine) = bundle().await;
    let pat = bundle.channel().add_person("Pat Example");

    let desktop = seen(&bundle, &engine, fixture(&bundle, &pat, "desktop")).await;
    let reaction = seen(&bundle, &engine, fixture(&bundle, &pat, "reaction")).await;
    let phone = seen(&bundle, &engine, fixture(&bundle, &pat, "phone")).await;
    let message = bundle.channel().message(&pat, "hello");
    let own = seen(&bundle, &engine, message).await;

    assert_eq!(desktop, as_seen(&pat, "de-DE", "America/New_York"));
    assert_eq!(reaction, as_seen(&pat, "de-DE", "America/New_York"));
    assert_eq!(phone, as_seen(&pat, "en-GB", "America/New_York"));
    assert_eq!(own, as_seen(&pat, "en-GB", "Europe/London"));
    bundle.end().await;
}

#[tokio::test]
async fn client_info_fills_what_the_activity_leaves_out() {
    let (bundle, engine) = bundle().await;
    let pat = bundle.channel().add_person("Pat Example");

    let first = seen(&bundle, &engine, fixture(&bundle, &pat, "clientInfo")).await;

    assert_eq!(first, as_seen(&pat, "en-GB", "America/New_York"));
    bundle.end().await;
}

/// Changes of a message that leave something out or make it unreadable: a pointer, and the value or `None`.
fn omissions() -> Vec<Vec<(&'static str, Option<Value>)>> {
    let without_locale = vec![("/locale", None), ("/entities", None)];
    let without_zone = vec![("/localTimezone", None), ("/entities", None)];
    vec![
        without_locale.clone(),
        without_zone.clone(),
        [without_locale, without_zone].concat(),
        vec![("/from/name", None)],
        vec![("/from/aadObjectId", None)],
        vec![("/from/name", Some(json!(""))), ("/from/aadObjectId", Some(json!("")))],
        vec![("/localTimezone", Some(json!("Nowhere/Land"))), ("/entities", Some(json!([{}])))],
        vec![("/locale", Some(json!({}))), ("/entities", Some(json!({})))],
        vec![("/conversation/conversationType", None), ("/from/aadObjectId", None)],
        vec![("/localTimezone", Some(json!(""))), ("/locale", Some(json!(" "))), ("/entities", None)],
    ]
}

fn changed(mut activity: Value, change: &[(&str, Option<Value>)]) -> Value {
    for (pointer, value) in change {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let members = activity.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(members.insert((*name).to_owned(), value.clone())),
            None => drop(members.remove(name)),
        }
    }
    activity
}

#[tokio::test]
async fn nothing_known_of_a_person_is_lost_by_an_activity_that_leaves_it_out() {
    for change in omissions() {
        for kind in ["message", "messageReaction", "conversationUpdate", "typing", "event"] {
            let (bundle, engine) = bundle().await;
            let pat = bundle.channel().add_person("Pat Example");
            bundle.send(&pat, "hello").await;
            bundle.drain().await;
            let mut activity = changed(bundle.channel().message(&pat, "again"), &change);
            activity["type"] = json!(kind);

            let first = seen(&bundle, &engine, activity).await;
            let later = seen(&bundle, &engine, bundle.channel().typing(&pat)).await;

            assert_eq!(first, as_seen(&pat, "en-GB", "Europe/London"), "{kind} {change:?}");
            assert_eq!(later, as_seen(&pat, "en-GB", "Europe/London"), "{kind} {change:?}");
            bundle.end().await;
        }
    }
}

#[tokio::test]
async fn member_event_without_sender_keeps_what_is_known() {
    let (bundle, engine) = bundle().await;
    let pat = bundle.channel().add_person("Pat Example");
    bundle.send(&pat, "hello").await;
    bundle.drain().await;
    let conversation = bundle.channel().personal_conversation(&pat);
    let mut added = bundle.channel().members_added(&pat, &conversation, &[&pat.id]);
    added.as_object_mut().unwrap().remove("from");

    let first = seen(&bundle, &engine, added).await;
    let later = seen(&bundle, &engine, bundle.channel().typing(&pat)).await;

    assert_eq!(first, as_seen(&pat, "en-GB", "Europe/London"));
    assert_eq!(later, as_seen(&pat, "en-GB", "Europe/London"));
    bundle.end().await;
}

#[tokio::test]
async fn values_of_another_person_of_a_group_are_not_added() {
    let (bundle, engine) = bundle().await;
    let (pat, kim) = (bundle.channel().add_person("Pat Example"), bundle.channel().add_person("Kim Example"));
    let chat = bundle.channel().add_group_chat("Lunch", &[&pat, &kim]);
    bundle.send(&kim, "hello").await;
    bundle.drain().await;
    bundle.receive(bundle.channel().mention_in(&pat, &chat, "hello")).await;
    bundle.drain().await;
    let without =
        [("/localTimezone", None), ("/locale", None), ("/entities", Some(json!([]))), ("/from/name", None)];

    // Kim is known from their own conversation, Robin from nowhere.
    let by_kim = changed(bundle.channel().mention_in(&kim, &chat, "hello"), &without);
    let robin = bundle.channel().add_person("Robin Example");
    let by_robin = changed(bundle.channel().mention_in(&robin, &chat, "hello"), &without);
    let (by_kim, by_robin) = (seen(&bundle, &engine, by_kim).await, seen(&bundle, &engine, by_robin).await);

    assert_eq!(by_kim, as_seen(&kim, "en-GB", "Europe/London"));
    assert_eq!(by_robin, [None, None, None, Some(robin.entra_id)]);
    bundle.end().await;
}

#[tokio::test]
async fn nobody_leaves_audience_segment_or_preferences_by_a_reaction() {
    use herald::broadcast::Outcome;
    use herald::broadcast::preferences::{Preferences, Setting};
    use herald::clock::Clock as _;
    use support::broadcasts::{id, news, outcomes};

    let audiences = [json!({ "kind": "everyone" }), json!({ "kind": "segment", "locales": ["en"] })];
    for (number, audience) in audiences.into_iter().chain([json!({ "kind": "everyone" })]).enumerate() {
        let (bundle, _) = bundle().await;
        let pat = bundle.channel().add_person("Pat Example");
        bundle.send(&pat, "hello").await;
        bundle.drain().await;
        let is_muted = number == 2;
        let references = &bundle.local().functions.worker.parts().references;
        if is_muted {
            let known = serde_json::from_value(bundle.channel().message(&pat, "")).unwrap();
            let reference = herald::protocol::conversation::ConversationReference::of(&known).unwrap();
            let now = bundle.clock().now();
            let mute = |stored: Preferences| stored.set_muted(None, Setting::Muted, now);
            let preferences = &bundle.local().functions.worker.parts().preferences;
            preferences.change(references.subject(&reference).as_str(), mute).await.unwrap();
        }
        let mut reaction = fixture(&bundle, &pat, "reaction");
        reaction["timestamp"] = json!(bundle.clock().now().to_string());
        reaction["from"].as_object_mut().unwrap().remove("aadObjectId");
        bundle.receive(reaction).await;
        bundle.drain().await;

        bundle.local().fire(news(audience, json!({ "text": "News." }))).await.unwrap();
        bundle.drain().await;

        let expected = if is_muted { Outcome::OptedOut } else { Outcome::Delivered };
        assert_eq!(outcomes(&bundle).await, [(expected, 1)].into(), "{number} {}", id());
        bundle.end().await;
    }
}
