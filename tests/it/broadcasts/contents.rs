//! Audiences and contents of broadcasts: each kind of audience, and events that are rejected before any send.

use local::channel_emulator::Effect;
use support::ScriptedEngine;

use super::*;

async fn send_news(bundle: &TestBundle, audience: Value, content: Value) -> Vec<String> {
    bundle.local().fire(news(audience, content)).await.unwrap();
    bundle.drain().await;
    let mut texts = bundle.channel().texts();
    texts.sort();
    texts
}

#[tokio::test]
async fn listed_recipients_get_their_own_values_with_or_without_conversation() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let (alex, dana) = (bundle.install("Alex").await, bundle.channel().add_person("Dana"));
    let entra = json!({ "tenant": alex.tenant, "id": alex.entra_id, "values": { "n": 1 } });
    let by_channel = json!({ "tenant": dana.tenant, "id": dana.id, "values": { "n": 2 } });

    let audience = json!({ "kind": "users", "users": [entra.clone(), by_channel, entra] });
    let texts = send_news(&bundle, audience, json!({ "text": "You are number ${n}." })).await;

    assert_eq!(texts, ["You are number 1.", "You are number 2."]);
    let created: Vec<_> =
        bundle.channel().entries().into_iter().filter(|e| e.effect == Effect::Created).collect();
    assert_eq!(created.len(), 1);
    assert_eq!(created[0].parameters["members"], json!([{ "id": dana.id }]));
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2)].into());
    bundle.end().await;
}

#[tokio::test]
async fn alternative_id_of_a_recipient_keeps_the_stored_reference() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.install("Alex").await;
    bundle.ask(&alex, "hello").await;
    bundle.clock().advance(Duration::from_secs(1));

    let audience = json!({ "kind": "user", "tenant": alex.tenant, "id": alex.id });
    let texts =
        send_news(&bundle, audience, json!({ "text": "a", "locales": { "en": { "text": "hello" } } })).await;

    assert_eq!(texts, ["a"], "the content planned before the conversation was found is kept");
    let user = serde_json::from_value(json!({ "tenant": alex.tenant, "id": alex.entra_id })).unwrap();
    let known = bundle.local().functions.proactive.references.find(&user).await.unwrap().unwrap();
    assert_eq!(known.locale.as_deref(), Some("en-GB"));
    bundle.end().await;
}

#[tokio::test]
async fn segment_is_sent_except_excluded_recipients() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let people = populate(&bundle, 3).await;
    let stranger = bundle.channel().add_person("Kim");
    save_reference(&bundle, &stranger, Some("11111111-1111-4111-8111-111111111111")).await;

    let audience = json!({
        "kind": "any",
        "of": [
            { "kind": "segment", "tenants": [people[0].tenant], "locales": ["en"] },
            { "kind": "user", "tenant": people[0].tenant, "id": people[0].entra_id },
        ],
        "except": [{ "kind": "user", "tenant": people[1].tenant, "id": people[1].entra_id }],
    });
    send_news(&bundle, audience, json!({ "text": "Hello ${user.name}.", "values": { "user.name": "you" } }))
        .await;

    let mut texts = bundle.channel().texts();
    texts.sort();
    assert_eq!(texts, ["Hello Person 0.", "Hello Person 2."]);
    assert_eq!(state(&bundle).await.recipients(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn channel_gets_a_new_thread_with_the_content() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let general = bundle.channel().add_channel("Office", "General");

    let audience = json!({ "kind": "channel", "tenant": general.tenant, "id": general.id });
    send_news(&bundle, audience, json!({ "text": "Hello all." })).await;

    let entries = bundle.channel().entries();
    assert_eq!(entries.iter().map(|entry| entry.effect).collect::<Vec<_>>(), [Effect::Created]);
    assert_eq!(entries[0].parameters["channelData"]["channel"]["id"], json!(general.id));
    assert_eq!(entries[0].activity["text"], "Hello all.");
    let line = entries_of(&bundle, &id()).await.remove(0);
    assert_eq!((line.outcome, line.activity.is_some()), (Outcome::Delivered, true));
    bundle.end().await;
}

#[tokio::test]
async fn group_chat_is_only_in_the_group_chat_segment() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.channel().add_person("Alex");
    let general = bundle.channel().add_channel("Office", "General");
    let mut activity = bundle.channel().mention(&alex, &general, "hello");
    activity["conversation"]["conversationType"] = json!("groupChat");
    let reference = ConversationReference::of(&serde_json::from_value(activity).unwrap()).unwrap();
    let references = &bundle.local().functions.proactive.references;
    references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();

    let audience = json!({ "kind": "segment", "conversations": "group-chat" });
    bundle.local().fire(news(audience, json!({ "text": "Hello." }))).await.unwrap();
    let everyone = bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.purge("deliveries").await;

    assert_eq!(state(&bundle).await.recipients(), 1);
    assert_eq!(everyone["recipients"], 0);
    bundle.end().await;
}

#[tokio::test]
async fn invalid_event_is_rejected_by_member_before_any_send() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 2).await;
    let everyone = || json!({ "kind": "everyone" });
    let large = json!({ "card": { "type": "AdaptiveCard", "body": "x".repeat(60_000) } });

    for (audience, content, member) in [
        (json!({ "kind": "martians" }), json!({ "text": "a" }), "martians"),
        (json!({ "kind": "users", "users": [] }), json!({ "text": "a" }), "`audience.users`"),
        (json!({ "kind": "any", "of": [] }), json!({ "text": "a" }), "`audience.of`"),
        (
            json!({ "kind": "conversation", "reference": "0".repeat(64) }),
            json!({ "text": "a" }),
            "`audience.reference`",
        ),
        (everyone(), json!({}), "`content`"),
        (everyone(), json!({ "text": "${" }), "`content`"),
        (everyone(), json!({ "text": "${hour}" }), "`hour`"),
        (everyone(), large, "`content`"),
        (everyone(), json!({ "card": { "type": "HeroCard" } }), "`content.card`"),
    ] {
        let refused = bundle.local().fire(news(audience, content)).await.unwrap_err().to_string();

        assert!(refused.contains(member), "{member} is not in: {refused}");
    }
    bundle.drain().await;
    assert_eq!(bundle.channel().entries().len(), 0);
    assert_eq!(store(&bundle).list_open().await.unwrap(), []);
    bundle.end().await;
}
