//! What an operator does about broadcasts, and reads of them.

use herald::broadcast::{BroadcastId, Outcome};
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use serde_json::{Value, json};
use support::broadcasts::*;
use support::{ScriptedEngine, TestBundle};

use crate::commands::{File, say, try_say};

fn event() -> Value {
    news(json!({ "kind": "everyone" }), json!({ "text": "Hello." }))
}

/// A broadcast to `count` people that is done.
async fn done(count: usize) -> TestBundle {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, count).await;
    bundle.local().fire(event()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;
    bundle
}

#[tokio::test]
async fn one_person_is_told_and_the_same_key_says_it_once() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let dana = bundle.channel().add_person("Dana");
    let line = format!("send --key k --to {}/{} ${{hello}}", dana.tenant, dana.entra_id);

    let said = say(&bundle, &line).await;
    let again = say(&bundle, &line).await;
    bundle.drain().await;
    tick(&bundle).await;
    let status = say(&bundle, "broadcast status k").await;

    assert!(said.did && !again.did, "{}{}", said.text, again.text);
    assert!(again.text.contains("was started before"), "{}", again.text);
    assert_eq!(bundle.channel().texts(), ["${hello}"]);
    assert!(status.text.contains("DONE") && status.text.contains("delivered          1"), "{}", status.text);
    bundle.end().await;
}

#[tokio::test]
async fn what_is_sent_at_most_once_is_not_repeated_where_another_is() {
    for (line, sends) in [("send", 2), ("send --at-most-once", 1)] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let dana = populate(&bundle, 1).await.remove(0);
        bundle.channel().fail_on(Operation::Send, Fault::AcceptThenStatus(Refusal::raw(503, "")));

        let said = say(&bundle, &format!("{line} --to {}/{} Hello", dana.tenant, dana.entra_id)).await;
        bundle.drain().await;

        assert!(said.did, "{}", said.text);
        assert_eq!(bundle.channel().texts().len(), sends, "{line}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn a_file_is_previewed_started_and_reported() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 12).await;
    let file = File::with(&event());

    let preview = say(&bundle, &format!("broadcast preview {}", file.path())).await;
    let nothing_yet = bundle.channel().entries().len();
    let started = say(&bundle, &format!("broadcast start {}", file.path())).await;
    bundle.drain().await;
    let report = say(&bundle, "broadcast report news").await;
    let twice = say(&bundle, &format!("broadcast start {}", file.path())).await;

    assert!(preview.text.starts_with("12 would be told; by tenant:\n"), "{}", preview.text);
    assert!(preview.text.contains("about 1 s at 40 a second"), "{}", preview.text);
    assert_eq!(nothing_yet, 0);
    assert!(started.text.contains("Planned all 12."), "{}", started.text);
    let lines: Vec<&str> = report.text.lines().collect();
    assert_eq!(lines[0], "tenant,user,conversation,channel,outcome,reason,at,job");
    assert_eq!(lines.iter().filter(|line| line.contains(",delivered,,")).count(), 12);
    assert!(!report.text.contains("Hello") && !report.text.contains("Person"));
    assert!(!twice.did);
    bundle.end().await;
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_tells_nobody() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let nobody = File::with(&event());
    let wrong = File::with(&news(json!({ "kind": "everyone" }), json!({ "text": "${hour}" })));

    for (line, reason) in [
        (format!("broadcast start {}", nobody.path()), "`audience` names nobody"),
        (format!("broadcast start {}", wrong.path()), "`hour`"),
        (format!("broadcast preview {}", wrong.path()), "`hour`"),
        ("broadcast start /nowhere.json".to_owned(), "/nowhere.json cannot be used"),
        ("send --to somebody hello".to_owned(), "TENANT/ID"),
    ] {
        let refused = try_say(&bundle, &line).await.err().unwrap().to_string();

        assert!(refused.contains(reason), "{reason} is not in: {refused}");
    }
    for verb in ["status", "pause", "report", "recall"] {
        let said = say(&bundle, &format!("broadcast {verb} nothing")).await;
        assert!(!said.did && said.text.starts_with("No broadcast nothing here"), "{}", said.text);
    }
    assert_eq!(store(&bundle).list_open().await.unwrap(), []);
    bundle.end().await;
}

#[tokio::test]
async fn it_is_paused_resumed_and_cancelled_once_each() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 2).await;
    bundle.local().fire(event()).await.unwrap();

    for (verb, does, text) in [
        ("resume", false, "Nothing was changed: it is RUNNING."),
        ("pause", true, "It is PAUSED now."),
        ("pause", false, "Nothing was changed: it is PAUSED."),
        ("resume", true, "It is RUNNING now."),
        ("recall", false, "It is RUNNING: pause or cancel it first"),
        ("cancel", true, "It is CANCELLED now."),
        ("resume", false, "Nothing was changed: it is CANCELLED."),
    ] {
        let said = say(&bundle, &format!("broadcast {verb} news")).await;

        assert_eq!(said.did, does, "{verb}: {}", said.text);
        assert!(said.text.starts_with(text), "{verb}: {}", said.text);
    }
    bundle.drain().await;
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn what_was_delivered_is_recalled() {
    let bundle = done(12).await;

    let said = say(&bundle, "broadcast recall news").await;
    bundle.drain().await;
    let again = say(&bundle, "broadcast recall news").await;

    let deleted = bundle.channel().entries().iter().filter(|e| e.effect == Effect::Deleted).count();
    assert!(said.did && !again.did, "{}", said.text);
    assert_eq!(deleted, 12);
    let recall = BroadcastId::named(said.text.lines().next().unwrap().strip_prefix("Broadcast ").unwrap());
    let lines = entries_of(&bundle, &recall).await;
    assert!(lines.len() == 12 && lines.iter().all(|line| line.outcome == Outcome::Delivered));
    bundle.end().await;
}

#[tokio::test]
async fn what_was_delivered_is_corrected_in_its_place() {
    let bundle = done(3).await;
    let file = File::with(&json!({ "text": "Hello, all." }));

    let said = say(&bundle, &format!("broadcast correct news {}", file.path())).await;
    bundle.drain().await;

    let updated: Vec<_> =
        bundle.channel().entries().into_iter().filter(|e| e.effect == Effect::Updated).collect();
    assert!(said.did, "{}", said.text);
    assert_eq!(updated.len(), 3);
    assert!(updated.iter().all(|entry| entry.activity["text"] == "Hello, all."));
    bundle.end().await;
}

#[tokio::test]
async fn what_was_said_in_a_conversation_made_for_it_is_corrected_and_recalled() {
    for by_channel in [false, true] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let dana = bundle.channel().add_person("Dana");
        let user = if by_channel { &dana.id } else { &dana.entra_id };
        let audience = json!({ "kind": "user", "tenant": dana.tenant, "id": user });
        bundle.local().fire(news(audience, json!({ "text": "Hello." }))).await.unwrap();
        bundle.drain().await;
        tick(&bundle).await;
        let file = File::with(&json!({ "text": "Hello, Dana." }));

        say(&bundle, &format!("broadcast correct news {}", file.path())).await;
        bundle.drain().await;
        tick(&bundle).await;
        say(&bundle, "broadcast recall news").await;
        bundle.drain().await;

        let made = |effect| bundle.channel().entries().iter().filter(|e| e.effect == effect).count();
        assert_eq!([Effect::Sent, Effect::Updated, Effect::Deleted].map(made), [1, 1, 1], "{user}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn a_thread_in_a_channel_is_recalled_by_its_first_message() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let general = bundle.channel().add_channel("Office", "General");
    let audience = json!({ "kind": "channel", "tenant": general.tenant, "id": general.id });
    bundle.local().fire(news(audience, json!({ "text": "Hello." }))).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    say(&bundle, "broadcast recall news").await;
    bundle.drain().await;

    assert_eq!(bundle.channel().entries().last().unwrap().effect, Effect::Deleted);
    bundle.end().await;
}

#[tokio::test]
async fn those_of_whom_it_is_unknown_are_told_again_once() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 3).await;
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);
    bundle.local().fire(event()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    let said = say(&bundle, "broadcast resend news").await;
    bundle.drain().await;
    let again = say(&bundle, "broadcast resend news").await;
    bundle.drain().await;

    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2), (Outcome::Unknown, 1)].into());
    assert!(said.did && said.text.contains("Planned all 1."), "{}", said.text);
    assert!(!again.did);
    assert_eq!(bundle.channel().texts().len(), 4);
    bundle.end().await;
}
