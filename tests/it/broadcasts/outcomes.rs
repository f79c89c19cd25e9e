//! Outcomes of deliveries that fail, and their effect on the other recipients.

use herald::broadcast::Status;
use herald::clock::Clock;
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use support::ScriptedEngine;

use super::*;

fn hello() -> Value {
    json!({ "text": "Hello." })
}

fn everyone() -> Value {
    news(json!({ "kind": "everyone" }), hello())
}

/// Sends a broadcast to one person while the channel responds with `fault`; returns the report entry.
async fn send_with_fault(fault: Fault) -> (TestBundle, ReportEntry) {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 1).await;
    bundle.channel().fail_on(Operation::Send, fault);
    bundle.local().fire(everyone()).await.unwrap();
    bundle.drain().await;
    let line = entries_of(&bundle, &id()).await.remove(0);
    (bundle, line)
}

#[tokio::test]
async fn each_channel_rejection_has_its_own_outcome() {
    for (status, code, outcome) in [
        (403, "BotDisabledByAdmin", Outcome::DisabledByAdmin),
        (403, "ConversationBlockedByUser", Outcome::Blocked),
        (403, "MessageWritesBlocked", Outcome::Blocked),
        (400, "BadArgument", Outcome::Failed),
    ] {
        let (bundle, line) = send_with_fault(Fault::Status(Refusal::new(status, code, "no"))).await;

        assert_eq!(line.outcome, outcome, "{code}");
        assert_eq!(line.failure.unwrap().code.as_deref(), Some(code));
        bundle.end().await;
    }
}

#[tokio::test]
async fn person_who_uninstalled_the_agent_is_reported_so() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let people = populate(&bundle, 1).await;
    bundle.channel().uninstall(&people[0]);

    bundle.local().fire(everyone()).await.unwrap();
    bundle.drain().await;

    let line = entries_of(&bundle, &id()).await.remove(0);
    assert_eq!(line.outcome, Outcome::Uninstalled);
    assert_eq!(line.failure.unwrap().code.as_deref(), Some("BotNotInConversationRoster"));
    bundle.end().await;
}

#[tokio::test]
async fn lost_reply_is_unknown_and_response_without_id_delivered() {
    let (lost, unknown) = send_with_fault(Fault::AcceptThenDrop).await;
    let (empty, delivered) = send_with_fault(Fault::EmptyBody).await;

    assert_eq!((unknown.outcome, delivered.outcome), (Outcome::Unknown, Outcome::Delivered));
    assert_eq!(lost.channel().texts().len(), 1);
    lost.end().await;
    empty.end().await;
}

#[tokio::test]
async fn throttled_recipient_is_listed_until_delivered() {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::default(), 40).await;
    populate(&bundle, 2).await;
    bundle
        .channel()
        .fail_on(Operation::Send, Fault::Status(Refusal::new(429, "Throttled", "slow").retry_after("9")));
    bundle.local().fire(everyone()).await.unwrap();

    bundle.drain_until(bundle.clock().now() + jiff::SignedDuration::from_secs(5)).await;
    let meanwhile = outcomes(&bundle).await;
    bundle.drain_until(bundle.clock().now() + jiff::SignedDuration::from_secs(60)).await;

    assert_eq!(meanwhile, [(Outcome::Throttled, 1)].into(), "the other one waits behind it");
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2)].into());
    bundle.end().await;
}

#[tokio::test]
async fn unreadable_record_blocks_no_other_recipient_and_is_listed() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 3).await;
    bundle.corrupt_item("person").await;

    let planned = bundle.local().fire(everyone()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    assert_eq!((&planned["recipients"], &planned["unreadable"]), (&json!(3), &json!(1)));
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2), (Outcome::Failed, 1)].into());
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}

#[tokio::test]
async fn unreadable_record_does_not_block_other_recipients() {
    for kind in ["users", "topic", "team", "conversation"] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let people = populate(&bundle, 3).await;
        let team = bundle.channel().add_channel("Office", "General");
        let users: Vec<_> =
            people.iter().map(|person| json!({ "tenant": person.tenant, "id": person.entra_id })).collect();
        let mut conversations = Vec::new();
        for person in &people {
            let activity = serde_json::from_value(bundle.channel().message(person, "hello")).unwrap();
            let references = &bundle.local().functions.proactive.references;
            let reference = ConversationReference::of(&activity).unwrap();
            let (key, subject) = (references.key(&reference), references.subject(&reference));
            let (topic, now) = (herald::agent::topic::Topic::new("news").unwrap(), bundle.clock().now());
            let subscriptions = &bundle.local().functions.worker.parts().subscriptions;
            subscriptions
                .put(&topic, &subject, herald::aws::table::Subscription::On, now, now)
                .await
                .unwrap();
            conversations.push(json!({ "kind": "conversation", "reference": key.as_str() }));
        }
        // A conversation is read by its own record, a person by theirs.
        bundle.corrupt_item(if kind == "conversation" { "reference" } else { "person" }).await;
        let audience = match kind {
            "users" => json!({ "kind": "users", "users": users }),
            "topic" => json!({ "kind": "topic", "topic": "news" }),
            "team" => json!({ "kind": "team", "tenant": team.tenant, "id": team.team_id }),
            _ => json!({ "kind": "any", "of": conversations }),
        };

        bundle.local().fire(news(audience, hello())).await.unwrap();
        for _ in 0..2 {
            bundle.drain().await;
            tick(&bundle).await;
        }

        let expected = [(Outcome::Delivered, 2), (Outcome::Failed, 1)];
        assert_eq!(outcomes(&bundle).await, expected.into(), "{kind}");
        assert_eq!(state(&bundle).await.status, Status::Done, "{kind}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn recipient_with_foreign_host_fails_alone() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let people = populate(&bundle, 3).await;
    let mut activity = bundle.channel().message(&people[0], "hello");
    activity["serviceUrl"] = json!("https://example.com/teams/");
    let reference = ConversationReference::of(&serde_json::from_value(activity).unwrap()).unwrap();
    let references = &bundle.local().functions.proactive.references;
    bundle.clock().advance(Duration::from_secs(1));
    references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();

    bundle.local().fire(everyone()).await.unwrap();
    bundle.drain().await;

    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2), (Outcome::Failed, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn duplicate_recipient_of_a_long_list_is_sent_once() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let people = populate(&bundle, 2).await;
    let user = |person: &Person| json!({ "tenant": person.tenant, "id": person.entra_id });
    let users: Vec<_> = (0..502).map(|number| user(&people[usize::from(number == 1)])).collect();

    bundle.local().fire(news(json!({ "kind": "users", "users": users }), hello())).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    assert_eq!(state(&bundle).await.recipients(), 2);
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}

#[tokio::test]
async fn recipient_without_content_from_the_engine_is_not_sent() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 1).await;
    let mut event = everyone();
    event["content"] = Value::Null;

    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;

    assert_eq!(outcomes(&bundle).await, [(Outcome::Nothing, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn twenty_rejected_tokens_pause_the_broadcast_and_fail_no_delivery() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 30).await;
    let denied = Refusal::raw(401, r#"{"message":"Authorization has been denied for this request."}"#);
    // Each send is repeated once with a new token.
    for _ in 0..60 {
        bundle.channel().fail_on(Operation::Send, Fault::Status(denied.clone()));
    }
    bundle.local().fire(everyone()).await.unwrap();

    bundle.drain().await;
    let paused = state(&bundle).await;
    bundle.channel().forget_faults();
    let meanwhile = outcomes(&bundle).await;
    bundle.clock().advance(Duration::from_secs(60));
    apply_command(&bundle, Command::Resume).await;
    tick(&bundle).await;
    bundle.drain().await;
    tick(&bundle).await;

    assert_eq!(paused.status, Status::Paused);
    assert!(paused.reason().unwrap().starts_with("20 sends in a row failed: "));
    assert_eq!(meanwhile.keys().collect::<Vec<_>>(), [&Outcome::Waiting]);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 30)].into());
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}

#[tokio::test]
async fn throttled_tenant_slows_only_itself() {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::default(), 1_000_000).await;
    let one = "11111111-1111-4111-8111-111111111111";
    for number in 0..24 {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        save_reference(&bundle, &person, (number % 2 == 0).then_some(one)).await;
    }
    let rates = &bundle.local().functions.worker.parts().rates;
    let until = bundle.clock().now() + jiff::SignedDuration::from_secs(60);
    rates.pause(herald::aws::table::RateKey::Tenant(one), until).await.unwrap();

    bundle.local().fire(everyone()).await.unwrap();
    bundle.drain_until(until).await;
    let early = bundle.channel().entries().iter().filter(|entry| entry.effect == Effect::Sent).count();
    bundle.drain_until(until + jiff::SignedDuration::from_secs(60)).await;

    assert_eq!(early, 12);
    assert_eq!(bundle.channel().texts().len(), 24);
    bundle.end().await;
}
