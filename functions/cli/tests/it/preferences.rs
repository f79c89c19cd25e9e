//! Messages of an operator, and the preferences of their recipient.

use std::time::Duration;

use herald::agent::{Effect, QuietHours, Response, Topic};
use jiff::civil::time;
use local::channel_emulator::Person;
use support::{ScriptedEngine, TestBundle};

use crate::commands;

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
    let quiet = QuietHours::new(time(8, 0, 0, 0), time(11, 0, 0, 0)).unwrap();
    let response = Response::reply("Noted.")
        .with_effect(Effect::Mute { topic: Topic::new("canteen").ok() })
        .with_effect(Effect::QuietHours { hours: Some(quiet) });
    let bundle = TestBundle::with(ScriptedEngine::deciding(response)).await;
    let alex = bundle.install("Alex").await;
    let to = format!("--to {}/{}", alex.tenant, alex.entra_id);
    let before = texts(&bundle, &alex).len();

    for line in ["send --topic canteen --urgent", "send --topic traffic", "send --urgent"] {
        let output = commands::execute(&bundle, &format!("{line} {to} {}", line.len())).await;
        assert!(output.is_done, "{}", output.text);
        bundle.drain().await;
    }

    assert_eq!(texts(&bundle, &alex).split_off(before), ["send --urgent".len().to_string()]);
    bundle.clock().advance(Duration::from_secs(2 * 3600));
    bundle.tick().await;
    bundle.drain().await;
    let deferred = texts(&bundle, &alex).split_off(before + 1);
    assert_eq!(
        deferred,
        ["send --topic traffic".len().to_string()],
        "what waited for the end of the quiet hours"
    );
    bundle.end().await;
}
