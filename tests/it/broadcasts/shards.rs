//! Shards in use: a planner reads only those, and none that lists a person is missing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use herald::aws::table::ReferenceStore;
use herald::broadcast::audience::ConversationKind;
use herald::clock::Clock;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use jiff::SignedDuration;
use local::channel_emulator::Person;
use local::fault_injection::RequestFate;
use proactive::NotificationEvent;
use serde_json::json;
use support::broadcasts::{news, populate};
use support::{ScriptedEngine, TestBundle};

fn references(bundle: &TestBundle) -> &ReferenceStore {
    &bundle.local().functions.proactive.references
}

fn reference(bundle: &TestBundle, person: &Person) -> ConversationReference {
    let activity = serde_json::from_value(bundle.channel().message(person, "hello")).unwrap();
    ConversationReference::of(&activity).unwrap()
}

/// Asserts that every record which an audience lists is in a shard that is in use.
async fn assert_complete(bundle: &TestBundle, context: &str) {
    let mut in_use = Vec::new();
    for kind in [ConversationKind::Personal, ConversationKind::GroupChat] {
        in_use.push(references(bundle).shards(kind).await.unwrap());
    }
    for item in bundle.items().await.into_iter().filter(|item| item.contains_key("audience")) {
        let pk = item["pk"].as_s().map(String::as_str).unwrap();
        let (kind, key) = pk.split_once('#').unwrap();
        let shard = u8::from_str_radix(&key[..2], 16).unwrap();
        let shards = &in_use[usize::from(kind == "reference")];
        assert!(
            shards.iter().any(|there| there.0 == shard),
            "{context}: shard {shard} of {pk} is not in use"
        );
    }
}

/// Number of listed records.
async fn listed(bundle: &TestBundle) -> usize {
    let is_listed = |item: &std::collections::HashMap<String, AttributeValue>| item.contains_key("audience");
    bundle.items().await.iter().filter(|item| is_listed(item)).count()
}

#[tokio::test]
async fn no_listed_record_is_outside_the_shards_in_use_whatever_request_fails() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let robin = bundle.channel().add_person("Robin");
    for fate in [RequestFate::Refuse, RequestFate::HangUp] {
        for failing in 0.. {
            let person = bundle.channel().add_person(&format!("{fate:?} {failing}"));
            bundle.channel().add_group_chat(&format!("Group {fate:?} {failing}"), &[&person, &robin]);
            let group = bundle.channel().add_group_chat("Group", &[&person, &robin]);
            let mut of_group = reference(&bundle, &person);
            of_group.conversation.id = serde_json::from_value(json!(group)).unwrap();
            of_group.conversation.is_group = Some(true);
            of_group.conversation.conversation_type = Some("groupChat".to_owned());
            let before = listed(&bundle).await;
            let (seen, failed) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
            let count = failed.clone();
            bundle.local().stack.on_request(Arc::new(move |_| {
                let is_failing = seen.fetch_add(1, Ordering::Relaxed) == failing;
                count.fetch_add(usize::from(is_failing), Ordering::Relaxed);
                if is_failing { fate } else { RequestFate::Pass }
            }));

            let now = bundle.clock().now();
            let own = reference(&bundle, &person);
            let later = |minutes| now + SignedDuration::from_mins(minutes);
            let saved = [
                references(&bundle).upsert(&own, Presence::Active, now).await.is_ok(),
                references(&bundle).suspend(&own, "rejected", later(1)).await.is_ok(),
                references(&bundle).upsert(&own, Presence::Active, later(120)).await.is_ok(),
                references(&bundle).upsert(&of_group, Presence::Active, now).await.is_ok(),
            ];
            bundle.local().stack.on_request(Arc::new(|_| RequestFate::Pass));

            assert_complete(&bundle, &format!("request {failing}, {fate:?}: {saved:?}")).await;
            if failed.load(Ordering::Relaxed) == 0 {
                assert_eq!(listed(&bundle).await, before + 2, "the person and the group are listed");
                assert!(failing > 6, "{failing} requests");
                break;
            }
        }
    }
    bundle.end().await;
}

#[tokio::test]
async fn people_who_write_while_a_broadcast_is_planned_are_in_it_from_their_first_answer_on() {
    for _ in 0..12 {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let people: Vec<_> =
            (0..18).map(|number| bundle.channel().add_person(&format!("Person {number}"))).collect();
        let event = news(json!({ "kind": "everyone" }), json!({ "text": "News." }));
        let request = NotificationEvent::read(event, bundle.clock().now()).unwrap();
        let written = std::sync::Mutex::new(BTreeSet::new());

        let write = async {
            for person in &people {
                let own = reference(&bundle, person);
                references(&bundle).upsert(&own, Presence::Active, bundle.clock().now()).await.unwrap();
                written.lock().unwrap().insert(references(&bundle).key(&own).as_str().to_owned());
            }
        };
        let plan = async {
            loop {
                let before = written.lock().unwrap().clone();
                let proactive = &bundle.local().functions.proactive;
                let preview = proactive.preview(&request.spec, None, |_| {}).await.unwrap();
                let recipients = preview.sample.into_iter().filter_map(|recipient| match recipient {
                    herald::agent::Recipient::Conversation { reference } => {
                        Some(references(&bundle).key(&reference).as_str().to_owned())
                    }
                    herald::agent::Recipient::User(_) | herald::agent::Recipient::Channel(_) => None,
                });
                let recipients: BTreeSet<_> = recipients.collect();
                let missing: Vec<_> = before.difference(&recipients).collect();
                assert!(missing.is_empty(), "{missing:?} of {before:?}");
                if before.len() == people.len() {
                    break;
                }
            }
        };
        tokio::join!(Box::pin(write), Box::pin(plan));

        assert_complete(&bundle, "at the end").await;
        bundle.end().await;
    }
}

#[tokio::test]
async fn planning_asks_only_shards_in_use() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 4).await;
    let in_use = references(&bundle).shards(ConversationKind::Personal).await.unwrap().len();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
        let is_shard = operation.ends_with(".Query") && String::from_utf8_lossy(body).contains("by_audience");
        count.fetch_add(usize::from(is_shard), Ordering::Relaxed);
    }));

    bundle.local().fire(news(json!({ "kind": "everyone" }), json!({ "text": "News." }))).await.unwrap();
    bundle.drain().await;

    let asked = asked.load(Ordering::Relaxed);
    assert!(in_use <= 4 && asked <= in_use + 1, "{asked} queries for {in_use} shards");
    assert_eq!(bundle.channel().texts().len(), 4);
    bundle.end().await;
}
