//! Broadcasts, as an operator sends, controls and inspects them.

use std::time::Duration;

use herald::broadcast::{BroadcastId, Outcome};
use herald::clock::Clock;
use local::channel_emulator::{Effect, Fault, Operation, Person, Refusal};
use serde_json::{Value, json};
use support::broadcasts::*;
use support::{ScriptedEngine, TestBundle};

use crate::commands::{File, execute, try_execute};
use crate::golden::{Times, assert_golden};

fn event() -> Value {
    news(json!({ "kind": "everyone" }), json!({ "text": "Hello." }))
}

/// Returns a bundle with a completed broadcast to `count` people.
async fn done(count: usize) -> TestBundle {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, count).await;
    bundle.local().fire(event()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;
    bundle
}

#[tokio::test]
async fn message_with_a_used_key_is_not_sent_again() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let dana = bundle.channel().add_person("Dana");
    let line = format!("send --key k --to {}/{} ${{hello}}", dana.tenant, dana.entra_id);

    let output = execute(&bundle, &line).await;
    let again = execute(&bundle, &line).await;
    bundle.drain().await;
    tick(&bundle).await;
    let status = execute(&bundle, "broadcast status k").await;

    assert!(output.is_done && !again.is_done);
    assert_golden("send/person.txt", &output.text, Times::Compared);
    assert_golden("send/used-key.txt", &again.text, Times::Compared);
    assert_eq!(bundle.channel().texts(), ["${hello}"]);
    assert_golden("broadcast/status-done.txt", &status.text, Times::Masked);
    bundle.end().await;
}

#[tokio::test]
async fn send_waits_for_its_outcome_on_request() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let [dana, billie] = [0, 1].map(|n| format!("Person {n}"));
    let [dana, billie] = [bundle.channel().add_person(&dana), bundle.channel().add_person(&billie)];
    let line =
        |person: &Person, wait| format!("send {wait} --to {}/{} Hello", person.tenant, person.entra_id);
    let second = Duration::from_secs(1);
    let drained = async || {
        bundle.clock().sleeping(second).await;
        bundle.drain().await;
        bundle.clock().advance(second);
    };

    let to_dana = line(&dana, "--wait");
    let (delivered, ()) = tokio::join!(Box::pin(execute(&bundle, &to_dana)), Box::pin(drained()));
    let blocked = Refusal::new(403, "ConversationBlockedByUser", "The user blocked the bot");
    bundle.channel().fail_on(Operation::Create, Fault::Status(blocked));
    let to_billie = line(&billie, "--wait=5");
    let (refused, ()) = tokio::join!(Box::pin(execute(&bundle, &to_billie)), Box::pin(drained()));
    let (late, ()) = tokio::join!(Box::pin(execute(&bundle, &to_billie)), async {
        for _ in 0..5 {
            bundle.clock().sleeping(second).await;
            bundle.clock().advance(second);
        }
    });
    bundle.drain().await;

    assert!(delivered.is_done && !refused.is_done && !late.is_done);
    assert_golden("send/wait.txt", &delivered.text, Times::Compared);
    assert_golden("send/wait-refused.txt", &refused.text, Times::Compared);
    assert_golden("send/wait-late.txt", &late.text, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn ambiguous_send_is_retried_unless_at_most_once() {
    for (line, sends) in [("send", 2), ("send --at-most-once", 1)] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let dana = populate(&bundle, 1).await.remove(0);
        bundle.channel().fail_on(Operation::Send, Fault::AcceptThenStatus(Refusal::raw(503, "")));

        let output = execute(&bundle, &format!("{line} --to {}/{} Hello", dana.tenant, dana.entra_id)).await;
        bundle.drain().await;

        assert!(output.is_done, "{}", output.text);
        assert_eq!(bundle.channel().texts().len(), sends, "{line}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn broadcast_of_a_file_is_previewed_started_and_reported() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 12).await;
    let file = File::with(&event());

    let preview = execute(&bundle, &format!("broadcast preview {}", file.path())).await;
    let nothing_yet = bundle.channel().entries().len();
    let started = execute(&bundle, &format!("broadcast start {}", file.path())).await;
    bundle.drain().await;
    let report = execute(&bundle, "broadcast report news").await;
    let twice = execute(&bundle, &format!("broadcast start {}", file.path())).await;

    assert_golden("broadcast/preview.txt", &preview.text, Times::Compared);
    assert_eq!(nothing_yet, 0);
    assert_golden("broadcast/start.txt", &started.text, Times::Compared);
    assert_golden("broadcast/report.csv", &report.text, Times::Compared);
    assert!(!report.text.contains("Hello") && !report.text.contains("Person"));
    assert!(!twice.is_done);
    bundle.end().await;
}

#[tokio::test]
async fn invalid_broadcast_is_rejected_and_nothing_is_sent() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let empty = File::with(&event());
    let wrong = File::with(&news(json!({ "kind": "everyone" }), json!({ "text": "${hour}" })));

    for (line, reason) in [
        (format!("broadcast start {}", empty.path()), "audience` has no recipients"),
        (format!("broadcast start {}", wrong.path()), "`hour`"),
        (format!("broadcast preview {}", wrong.path()), "`hour`"),
        ("broadcast start /nowhere.json".to_owned(), "could not read /nowhere.json"),
        ("send --to Dana hello".to_owned(), "TENANT/ID"),
    ] {
        let rejected = try_execute(&bundle, &line).await.err().unwrap().to_string();

        assert!(rejected.contains(reason), "{reason} is not in: {rejected}");
    }
    for verb in ["status", "pause", "report", "recall"] {
        let output = execute(&bundle, &format!("broadcast {verb} nothing")).await;
        assert!(!output.is_done, "{verb}");
        assert_golden("broadcast/not-found.txt", &output.text, Times::Compared);
    }
    assert_eq!(store(&bundle).list_open().await.unwrap(), []);
    bundle.end().await;
}

#[tokio::test]
async fn state_changes_are_printed_with_the_number_of_sends() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 2).await;
    bundle.local().fire(event()).await.unwrap();

    let mut transcript = String::new();
    for (verb, is_done) in [
        ("resume", false),
        ("pause", true),
        ("pause", false),
        ("resume", true),
        ("recall", false),
        ("cancel", true),
        ("resume", false),
    ] {
        let output = execute(&bundle, &format!("broadcast {verb} news")).await;

        assert_eq!(output.is_done, is_done, "{verb}: {}", output.text);
        transcript.push_str(&format!("$ herald broadcast {verb} news\n{}", output.text));
    }
    assert_golden("broadcast/state-changes.txt", &transcript, Times::Compared);
    bundle.drain().await;
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn delivered_messages_are_recalled() {
    let bundle = done(12).await;

    let output = execute(&bundle, "broadcast recall news").await;
    bundle.drain().await;
    let again = execute(&bundle, "broadcast recall news").await;

    let deleted = bundle.channel().entries().iter().filter(|e| e.effect == Effect::Deleted).count();
    assert!(output.is_done && !again.is_done, "{}", output.text);
    assert_eq!(deleted, 12);
    let recall = BroadcastId::named(output.text.lines().next().unwrap().strip_prefix("Broadcast ").unwrap());
    let lines = entries_of(&bundle, &recall).await;
    assert!(lines.len() == 12 && lines.iter().all(|line| line.outcome == Outcome::Delivered));
    bundle.end().await;
}

#[tokio::test]
async fn delivered_messages_are_corrected() {
    let bundle = done(3).await;
    let file = File::with(&json!({ "text": "Hello, all." }));

    let output = execute(&bundle, &format!("broadcast correct news {}", file.path())).await;
    bundle.drain().await;

    let updated: Vec<_> =
        bundle.channel().entries().into_iter().filter(|e| e.effect == Effect::Updated).collect();
    assert!(output.is_done, "{}", output.text);
    assert_eq!(updated.len(), 3);
    assert!(updated.iter().all(|entry| entry.activity["text"] == "Hello, all."));
    bundle.end().await;
}

#[tokio::test]
async fn message_in_a_created_conversation_is_corrected_and_recalled() {
    for by_channel in [false, true] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let dana = bundle.channel().add_person("Dana");
        let user = if by_channel { &dana.id } else { &dana.entra_id };
        let audience = json!({ "kind": "user", "tenant": dana.tenant, "id": user });
        bundle.local().fire(news(audience, json!({ "text": "Hello." }))).await.unwrap();
        bundle.drain().await;
        tick(&bundle).await;
        let file = File::with(&json!({ "text": "Hello, Dana." }));

        execute(&bundle, &format!("broadcast correct news {}", file.path())).await;
        bundle.drain().await;
        tick(&bundle).await;
        execute(&bundle, "broadcast recall news").await;
        bundle.drain().await;

        let made = |effect| bundle.channel().entries().iter().filter(|e| e.effect == effect).count();
        assert_eq!([Effect::Sent, Effect::Updated, Effect::Deleted].map(made), [1, 1, 1], "{user}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn thread_in_a_channel_is_recalled_by_its_first_message() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let general = bundle.channel().add_channel("Office", "General");
    let audience = json!({ "kind": "channel", "tenant": general.tenant, "id": general.id });
    bundle.local().fire(news(audience, json!({ "text": "Hello." }))).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    execute(&bundle, "broadcast recall news").await;
    bundle.drain().await;

    assert_eq!(bundle.channel().entries().last().unwrap().effect, Effect::Deleted);
    bundle.end().await;
}

#[tokio::test]
async fn unknown_recipients_are_resent_to_once() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 3).await;
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);
    bundle.local().fire(event()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    let output = execute(&bundle, "broadcast resend news").await;
    bundle.drain().await;
    let again = execute(&bundle, "broadcast resend news").await;
    bundle.drain().await;

    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2), (Outcome::Unknown, 1)].into());
    assert!(output.is_done && output.text.contains("Recipients planned: 1."), "{}", output.text);
    assert!(!again.is_done);
    assert_eq!(bundle.channel().texts().len(), 4);
    bundle.end().await;
}

/// Returns the number of lines of a report with each outcome, in alphabetical order.
fn outcomes_of(report: &str) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for line in report.lines().skip(1) {
        *counts.entry(line.split(',').nth(4).unwrap().to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

async fn report(bundle: &TestBundle) -> Vec<(String, usize)> {
    outcomes_of(&execute(bundle, "broadcast report news").await.text)
}

#[tokio::test]
async fn report_and_status_of_the_original_show_what_was_corrected_and_recalled() {
    let bundle = done(3).await;
    let file = File::with(&json!({ "text": "Hello, all." }));

    execute(&bundle, &format!("broadcast correct news {}", file.path())).await;
    bundle.drain().await;
    tick(&bundle).await;
    let corrected = execute(&bundle, "broadcast report news").await.text;
    let refused = Refusal::new(403, "MessageWritesBlocked", "blocked");
    bundle.channel().fail_on(Operation::Delete, Fault::Status(refused));
    execute(&bundle, "broadcast recall news").await;
    bundle.drain().await;
    tick(&bundle).await;
    let recalled = report(&bundle).await;
    let status = execute(&bundle, "broadcast status news").await.text;

    assert_eq!(outcomes_of(&corrected), [("corrected".to_owned(), 3)]);
    assert_golden("broadcast/report-corrected.csv", &corrected, Times::Compared);
    assert_eq!(recalled, [("corrected".to_owned(), 1), ("recalled".to_owned(), 2)]);
    assert_golden("broadcast/status-amended.txt", &status, Times::Masked);
    bundle.end().await;
}

#[tokio::test]
async fn recall_of_a_correction_shows_in_the_report_of_the_original() {
    let bundle = done(2).await;
    let file = File::with(&json!({ "text": "Hello, all." }));
    let correction = execute(&bundle, &format!("broadcast correct news {}", file.path())).await.text;
    let correction = correction.lines().next().unwrap().strip_prefix("Broadcast ").unwrap().to_owned();
    bundle.drain().await;
    tick(&bundle).await;

    let recall = execute(&bundle, &format!("broadcast recall {correction}")).await;
    assert!(recall.text.contains("Recipients planned: 2."), "{}", recall.text);
    bundle.drain().await;
    let of_correction = execute(&bundle, &format!("broadcast report {correction}")).await.text;

    assert_eq!(report(&bundle).await, [("recalled".to_owned(), 2)]);
    assert_eq!(outcomes_of(&of_correction), [("recalled".to_owned(), 2)]);
    bundle.end().await;
}

#[tokio::test]
async fn recall_that_is_not_delivered_changes_no_line_of_the_report() {
    let bundle = done(2).await;

    execute(&bundle, "broadcast recall news").await;
    let planned = report(&bundle).await;
    bundle.drain().await;

    assert_eq!(planned, [("delivered".to_owned(), 2)]);
    assert_eq!(report(&bundle).await, [("recalled".to_owned(), 2)]);
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_is_done_without_a_tick_when_all_have_an_outcome() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 2).await;
    bundle.local().fire(event()).await.unwrap();
    let before = execute(&bundle, "broadcast status news").await.text;
    bundle.drain().await;

    let status = execute(&bundle, "broadcast status news").await.text;
    let recall = execute(&bundle, "broadcast recall news").await;
    bundle.drain().await;

    assert!(before.contains("RUNNING") && !before.contains("DONE"), "{before}");
    assert!(status.contains("DONE"), "{status}");
    assert!(recall.is_done, "{}", recall.text);
    bundle.end().await;
}

#[tokio::test]
async fn status_names_key_topic_and_audience_in_words() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 1).await;
    let rows = [
        (json!({ "kind": "everyone" }), "everyone with a personal conversation"),
        (
            json!({ "kind": "segment", "tenants": ["t1", "t2"], "locales": ["de"] }),
            "everyone with a personal conversation in tenant t1 or t2 with language de",
        ),
        (json!({ "kind": "segment", "conversations": "group-chat" }), "every group chat"),
        (json!({ "kind": "user", "tenant": "t", "id": "p" }), "one person"),
        (json!({ "kind": "users", "users": [{ "tenant": "t", "id": "p" }] }), "1 listed person"),
        (json!({ "kind": "team", "tenant": "t", "id": "19:x@thread.tacv2" }), "the members of a team"),
        (json!({ "kind": "channel", "tenant": "t", "id": "19:y@thread.tacv2" }), "a new thread in a channel"),
        (json!({ "kind": "topic", "topic": "lunch" }), "subscribers of topic lunch"),
        (
            json!({ "kind": "any", "of": [{ "kind": "everyone" }], "except": [{ "kind": "topic", "topic": "lunch" }] }),
            "everyone with a personal conversation; without subscribers of topic lunch",
        ),
    ];
    let planner = &bundle.local().functions.proactive;

    for (number, (audience, words)) in rows.into_iter().enumerate() {
        let key = format!("row {number}");
        let mut event = news(audience, json!({ "text": "Hello." }));
        event["key"] = json!(key);
        event["topic"] = json!("canteen");
        let request = proactive::NotificationEvent::read(event, bundle.clock().now()).unwrap();
        planner.open_new(&request.id, &request.spec).await.unwrap();

        let status = execute(&bundle, &format!("broadcast status {}", request.id)).await.text;

        for (name, value) in
            [("key", key.as_str()), ("notification", "news"), ("topic", "canteen"), ("audience", words)]
        {
            assert!(status.contains(&format!("  {name:<13} {value}\n")), "{name}: {status}");
        }
    }
    bundle.end().await;
}

#[tokio::test]
async fn preview_warns_when_the_engine_has_nothing_to_send() {
    let mut event = event();
    event.as_object_mut().unwrap().remove("content");
    let file = File::with(&event);
    let silent = TestBundle::with(ScriptedEngine::default()).await;
    let speaking = TestBundle::with(ScriptedEngine::notifying("News.")).await;

    for (bundle, golden) in
        [(&silent, "broadcast/preview-nothing.txt"), (&speaking, "broadcast/preview-engine.txt")]
    {
        populate(bundle, 30).await;

        let preview = execute(bundle, &format!("broadcast preview {}", file.path())).await;

        assert!(preview.is_done);
        assert_golden(golden, &preview.text, Times::Compared);
        assert_eq!(bundle.channel().entries().len(), 0);
    }
    silent.end().await;
    speaking.end().await;
}

#[tokio::test]
async fn preview_warns_from_28_kb_of_message_or_card() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    populate(&bundle, 1).await;
    let card = |length: usize| {
        let block = json!({ "type": "TextBlock", "text": "x".repeat(length) });
        json!({ "card": { "type": "AdaptiveCard", "version": "1.5", "body": [block] } })
    };
    let text = |length: usize| json!({ "text": "x".repeat(length) });
    let mut warned = Vec::new();

    for content in [card(100), text(100), card(12 * 1024), card(14 * 1024), text(14 * 1024), card(28 * 1024)]
    {
        let file = File::with(&news(json!({ "kind": "everyone" }), content));
        let preview = execute(&bundle, &format!("broadcast preview {}", file.path())).await.text;
        warned.push(preview.contains("Warning: a message of") && preview.contains("28 KB"));
    }

    assert_eq!(warned, [false, false, false, true, true, true]);
    bundle.end().await;
}
