//! Proactive messages: schedule events, planned deliveries, and conversations that are created.

use herald::clock::Clock;
use local::channel_emulator::Effect;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

#[tokio::test]
async fn every_personal_conversation_gets_the_notification() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    let (alex, blake) = (bundle.install("Alex").await, bundle.install("Blake").await);
    let general = bundle.channel().add_channel("Office", "General");
    bundle.receive(bundle.channel().mention(&alex, &general, "hello")).await;
    bundle.drain().await;

    let planned = bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    assert_eq!((&planned["recipients"], &planned["unreadable"]), (&json!(2), &json!(0)));
    let mut conversations: Vec<_> =
        bundle.channel().entries().into_iter().filter_map(|entry| entry.conversation).collect();
    let mut expected = [&alex, &blake].map(|person| bundle.channel().personal_conversation(person));
    conversations.sort();
    expected.sort();
    assert_eq!(conversations, expected);
    bundle.end().await;
}

#[tokio::test]
async fn missing_personal_conversation_is_created_and_used() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    let dana = bundle.channel().add_person("Dana");
    let audience = json!({ "kind": "user", "tenant": dana.tenant, "id": dana.entra_id });

    bundle.fire(audience.clone()).await.unwrap();
    bundle.drain().await;

    let entries = bundle.channel().entries();
    assert_eq!(bundle.channel().token_requests(), 1);
    assert_eq!(entries.iter().map(|entry| entry.effect).collect::<Vec<_>>(), [Effect::Created, Effect::Sent]);
    assert!(entries[0].activity.is_null(), "a conversation is created without an activity");
    assert_eq!(entries[0].parameters["tenantId"], json!(dana.tenant));
    assert_eq!(entries[0].parameters["channelData"]["tenant"]["id"], json!(dana.tenant));
    assert_eq!(entries[1].conversation, Some(bundle.channel().personal_conversation(&dana)));

    bundle.fire(audience.clone()).await.unwrap();
    bundle.drain().await;
    assert_eq!(bundle.channel().texts().len(), 1, "the same event sends nothing twice");

    bundle.clock().advance(std::time::Duration::from_secs(60));
    bundle.fire(audience).await.unwrap();
    bundle.drain().await;
    assert_eq!(bundle.channel().entries().len(), 3, "the second time the conversation is known");
    bundle.end().await;
}

#[tokio::test]
async fn single_conversation_is_reached_by_its_reference() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let alex = bundle.channel().add_person("Alex");
    let general = bundle.channel().add_channel("Office", "General");
    let asked = bundle.channel().mention(&alex, &general, "hello");
    bundle.receive(asked.clone()).await;
    bundle.drain().await;
    let activity = serde_json::from_value(asked).unwrap();
    let reference = herald::protocol::conversation::ConversationReference::of(&activity).unwrap();
    let key = bundle.local().functions.proactive.references.key(&reference);

    bundle.fire(json!({ "kind": "conversation", "reference": key })).await.unwrap();
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["News."]);
    bundle.clock().advance(std::time::Duration::from_secs(60));
    let missing = bundle.fire(json!({ "kind": "conversation", "reference": "0".repeat(64) })).await;
    assert!(missing.unwrap_err().to_string().contains("audience.reference"));
    bundle.end().await;
}

#[tokio::test]
async fn duplicate_schedule_event_sends_once() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    bundle.install("Alex").await;

    for _ in 0..3 {
        bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    }
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["Good morning!"]);
    bundle.end().await;
}

#[tokio::test]
async fn user_who_removed_the_agent_is_not_sent() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    let alex = bundle.install("Alex").await;
    bundle.clock().advance(std::time::Duration::from_secs(1));
    bundle.receive(bundle.channel().uninstall(&alex)).await;
    bundle.drain().await;

    let planned = bundle.fire(json!({ "kind": "everyone" })).await.unwrap();

    assert_eq!(planned["recipients"], 0);
    bundle.end().await;
}

#[tokio::test]
async fn event_with_unfilled_placeholder_is_rejected() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    bundle.install("Alex").await;
    let mut event = bundle.event(json!({ "kind": "everyone" }));
    event["scheduled_time"] = json!("<aws.scheduler.scheduled-time>");

    let refused = bundle.local().fire(event).await.unwrap_err();
    bundle.drain().await;

    assert!(refused.to_string().contains("`scheduled_time`"), "{refused}");
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn worker_near_its_deadline_starts_no_delivery() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    let dana = bundle.channel().add_person("Dana");
    bundle.fire(json!({ "kind": "user", "tenant": dana.tenant, "id": dana.entra_id })).await.unwrap();
    let poller = bundle.poller("deliveries");
    let received = poller.sqs.receive_message().queue_url(&poller.url).send().await.unwrap();
    let message = &received.messages()[0];
    let place =
        worker::MessageContext { deadline: Some(bundle.clock().now()), ..worker::MessageContext::default() };

    let result = poller.worker.handle(message.body().unwrap(), place).await;

    assert!(result.is_err());
    assert_eq!(bundle.channel().entries().len(), 0);
    let queue = herald::aws::queue::Queue::new(poller.sqs.clone(), &poller.url);
    queue.change_visibility(message.receipt_handle().unwrap(), std::time::Duration::ZERO).await.unwrap();
    bundle.drain().await;
    assert_eq!(bundle.channel().texts(), ["Good morning!"]);
    bundle.end().await;
}
