//! What an operator sends, and what its recipient has muted.

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

/// `person` says `text`, and is answered.
async fn say(bundle: &TestBundle, person: &Person, text: &str) {
    bundle.ask(person, text).await;
    bundle.clock().advance(Duration::from_secs(1));
}

/// What was said to `person`.
fn told(bundle: &TestBundle, person: &Person) -> Vec<String> {
    let conversation = bundle.channel().personal_conversation(person);
    let entries = bundle
        .channel()
        .entries()
        .into_iter()
        .filter(|entry| entry.conversation.as_deref() == Some(&conversation));
    entries.filter_map(|entry| entry.activity["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_an_operator_sends_holds_to_topic_and_quiet_hours_unless_it_is_urgent() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let to = format!("--to {}/{}", alex.tenant, alex.entra_id);
    say(&bundle, &alex, "mute canteen").await;
    say(&bundle, &alex, "quiet hours 08:00 to 11:00").await;
    let before = told(&bundle, &alex).len();

    for line in ["send --topic canteen --urgent", "send --topic traffic", "send --urgent"] {
        let said = commands::say(&bundle, &format!("{line} {to} {}", line.len())).await;
        assert!(said.did, "{}", said.text);
        bundle.drain().await;
    }

    assert_eq!(told(&bundle, &alex).split_off(before), ["send --urgent".len().to_string()]);
    bundle.end().await;
}
