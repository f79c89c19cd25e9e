//! Conversation memory: loaded on request, bounded, and cleared on request.

use std::time::Duration;

use herald::agent::memory::MAX_EXCHANGES;
use local::channel_emulator::{Fault, Refusal};
use serde_json::json;
use support::TestBundle;
use support::steps_engine::{bundle_with, continue_after, done, memory, send};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns all items of the table as text.
async fn table(bundle: &TestBundle) -> String {
    format!("{:?}", bundle.items().await)
}

#[tokio::test]
async fn earlier_exchange_is_loaded_in_the_next_turn() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;

    for text in ["one", "two", "three"] {
        send(&bundle, text).await;
        bundle.drain().await;
    }

    assert_eq!(bundle.channel().texts(), ["Before: .", "Before: one.", "Before: one, two."]);
    bundle.end().await;
}

#[tokio::test]
async fn memory_is_not_shared_between_conversations() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;
    let robin = bundle.channel().add_person("Robin");

    send(&bundle, "one").await;
    bundle.drain().await;
    bundle.ask(&robin, "two").await;

    assert_eq!(bundle.channel().texts(), ["Before: .", "Before: ."]);
    bundle.end().await;
}

#[tokio::test]
async fn only_latest_exchanges_are_kept_for_a_week() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;
    for number in 0..MAX_EXCHANGES + 2 {
        send(&bundle, &number.to_string()).await;
        bundle.drain().await;
        bundle.clock().advance(Duration::from_secs(1));
    }
    let kept = memory(&bundle).await.exchanges;

    bundle.clock().advance(7 * 24 * 60 * MINUTE);
    send(&bundle, "a week later").await;
    bundle.drain().await;

    assert_eq!((kept.len(), kept[0].asked.as_str()), (MAX_EXCHANGES, "2"));
    assert_eq!(bundle.channel().texts().last().unwrap(), "Before: .");
    assert_eq!(memory(&bundle).await.exchanges.len(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn forget_removes_exchanges_and_keeps_waiting_tasks() {
    let (bundle, _engine) =
        bundle_with(vec![continue_after(&[], json!(1), 60 * MINUTE), done("Delivered.")]).await;
    send(&bundle, "start").await;
    bundle.drain().await;
    send(&bundle, "my secret").await;
    bundle.drain().await;
    let before = table(&bundle).await;

    bundle.clock().advance(Duration::from_secs(1));
    send(&bundle, "forget").await;
    bundle.drain().await;
    let after = table(&bundle).await;
    send(&bundle, "what do you know?").await;
    bundle.drain().await;
    bundle.clock().advance(60 * MINUTE);
    bundle.tick().await;
    bundle.drain().await;

    assert!(before.contains("my secret") && !after.contains("my secret"));
    let texts = bundle.channel().texts();
    assert_eq!(texts[2..], ["Forgotten.", "Before: .", "Delivered."]);
    bundle.end().await;
}

#[tokio::test]
async fn task_with_memory_gets_the_memory() {
    let (bundle, engine) = bundle_with(vec![done("Done.")]).await;
    send(&bundle, "hello").await;
    bundle.drain().await;

    send(&bundle, "start").await;
    bundle.drain().await;

    let asked: Vec<String> =
        engine.runs.lock().unwrap()[0].memory.exchanges.iter().map(|it| it.asked.clone()).collect();
    assert_eq!(asked, ["hello"]);
    bundle.end().await;
}

#[tokio::test]
async fn answer_is_sent_and_remembered_once_when_send_fails_after_effects() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("7");
    bundle.channel().fail(Fault::Status(throttled));
    send(&bundle, "one").await;
    bundle.step("turns").await;
    let remembered = memory(&bundle).await.exchanges.len();

    bundle.drain().await;

    assert_eq!(remembered, 1);
    assert_eq!(bundle.channel().texts(), ["Before: ."]);
    assert_eq!(memory(&bundle).await.exchanges.len(), 1);
    bundle.end().await;
}

#[test]
fn inbound_may_read_memory_and_not_write_it() {
    let template = include_str!("../../template.yaml");
    let role = template.split_once("  InboundRole:").unwrap().1.split_once("  InboundLogs:").unwrap().0;
    let (writes, reads) = role.split_once("Sid: ReadReferencesKeysAndMemories").unwrap();

    let written = r#"dynamodb:LeadingKeys: ["reference#*", "person#*", "team#*", "audience#*", "keys#*", "timer#*", "timers"]"#;
    assert!(writes.contains(written), "{writes}");
    assert!(
        reads.contains(r#"dynamodb:LeadingKeys: ["reference#*", "person#*", "keys#*", "memory#*"]"#),
        "{reads}"
    );
    assert!(!reads.contains("dynamodb:PutItem"), "{reads}");
}
