//! Messages of an operator, and the preferences of their recipient.

use std::sync::Arc;
use std::time::Duration;

use engine::OrderDesk;
use local::channel_emulator::Person;
use support::TestBundle;

use crate::commands;

async fn order_desk() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let desk = OrderDesk::new(clock.clone());
    TestBundle::with_shared(Arc::new(desk), clock).await
}

/// Sends `text` as `person`, and waits for the answer.
async fn receive(bundle: &TestBundle, person: &Person, text: &str) {
    bundle.ask(person, text).await;
    bundle.clock().advance(Duration::from_secs(1));
}

/// Returns the texts in the conversation with `person`.
fn texts(bundle: &TestBundle, person: &Person) -> Vec<String> {
    let conversation = bundle.channel().personal_conversation(person);
    let entries = bundle
        .channel()
        .entries()
        .into_iter()
        .filter(|entry| entry.conversation.as_deref() == Some(&conversation));
    entries.filter_map(|entry| entry.activity["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn message_respects_mutes_and_quiet_hours_unless_urgent() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let to = format!("--to {}/{}", alex.tenant, alex.entra_id);
    receive(&bundle, &alex, "mute canteen").await;
    receive(&bundle, &alex, "quiet hours 08:00 to 11:00").await;
    let before = texts(&bundle, &alex).len();

    for line in ["send --topic canteen --urgent", "send --topic traffic", "send --urgent"] {
        let output = commands::execute(&bundle, &format!("{line} {to} {}", line.len())).await;
        assert!(output.is_done, "{}", output.text);
        bundle.drain().await;
    }

    assert_eq!(texts(&bundle, &alex).split_off(before), ["send --urgent".len().to_string()]);
    bundle.end().await;
}
