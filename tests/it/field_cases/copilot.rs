//! Copilot in every form: answered on the channel of Teams, with the rules of Copilot.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::TaskResponse;
use herald::protocol::activity::Activity;
use local::channel_emulator::{Effect, Fault, Operation, Person, Refusal};
use serde_json::{Value, json};
use support::fixtures::activity_of;
use support::{ScriptedEngine, TestBundle};

use crate::channel_errors::reference_of;

const FIXTURES: [&str; 5] = [
    include_str!("../../fixtures/copilot-product-context.json"),
    include_str!("../../fixtures/copilot-sub-channel-info.json"),
    include_str!("../../fixtures/copilot-product-info.json"),
    include_str!("../../fixtures/copilot-compound-channel.json"),
    include_str!("../../fixtures/copilot-compound-channel-mixed-case.json"),
];

/// Longer than any sleep in these tests, so that time passes by itself.
const FLOW: Duration = Duration::from_secs(60);

async fn answered(bundle: &TestBundle, pat: &Person, fixture: &str) -> Value {
    let activity = activity_of(bundle, pat, fixture);
    bundle.receive(activity.clone()).await;
    bundle.drain_with_time(FLOW).await;
    activity
}

/// Whether an edit was requested, which has the id of the activity, accepted or not.
fn has_edits(bundle: &TestBundle) -> bool {
    bundle.channel().entries().iter().any(|entry| entry.activity["id"].is_string())
}

#[tokio::test]
async fn answer_after_an_ended_stream_is_a_message_in_copilot_and_an_edit_in_teams() {
    let teams = json!({ "entities": [], "channelData": {}, "channelId": "msteams" });
    for fixture in FIXTURES.iter().map(Some).chain([None]) {
        let clock = TestBundle::clock_at_start();
        let chunks = [(Duration::from_secs(2), "Two "), (Duration::from_secs(3), "laptops.")];
        let done = TaskResponse::done([Activity::message("Two laptops.")]);
        let engine = Arc::new(ScriptedEngine::streaming("Looking…", &chunks, done, clock.clone()));
        let bundle = TestBundle::with_shared(engine, clock).await;
        let pat = bundle.channel().add_person("Pat");
        let mut activity = activity_of(&bundle, &pat, fixture.unwrap_or(&FIXTURES[0]));
        if fixture.is_none() {
            for (name, value) in teams.as_object().unwrap() {
                activity[name] = value.clone();
            }
        }
        bundle.receive(activity).await;
        bundle.step("turns").await;
        let ended = Refusal::new(
            403,
            "ContentStreamNotAllowed",
            "Content stream finished due to exceeded streaming time.",
        );
        bundle.channel().fail_on(Operation::Send, Fault::Status(ended));

        bundle.drain_with_time(FLOW).await;

        assert_eq!(has_edits(&bundle), fixture.is_none());
        assert_eq!(bundle.channel().texts().last().map(String::as_str), Some("Two laptops."));
        bundle.end().await;
    }
}

#[tokio::test]
async fn copilot_is_answered_on_the_base_channel_and_its_thread_is_known() {
    for fixture in FIXTURES {
        let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
        let pat = bundle.channel().add_person("Pat");

        let activity = answered(&bundle, &pat, fixture).await;

        let references = &bundle.local().functions.worker.parts().references;
        let key = references.key(&reference_of(&activity));
        let stored = references.get(&key).await.unwrap().unwrap();
        assert_eq!((stored.channel_id.as_str(), stored.is_copilot), ("msteams", true));
        let entries = bundle.channel().entries();
        let sent: Vec<_> = entries.iter().filter(|entry| entry.effect == Effect::Sent).collect();
        assert!(!sent.is_empty() && sent.iter().all(|entry| entry.activity["channelId"] == "msteams"));
        assert_eq!(bundle.channel().texts(), ["Hello."]);
        bundle.end().await;
    }
}

#[tokio::test]
async fn ack_is_not_edited_in_copilot() {
    for fixture in FIXTURES {
        let bundle = TestBundle::with(ScriptedEngine::replacing("On it.", "Here it is.")).await;
        let pat = bundle.channel().add_person("Pat");

        answered(&bundle, &pat, fixture).await;

        assert!(!has_edits(&bundle));
        assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."]);
        bundle.end().await;
    }
}

#[tokio::test]
async fn both_forms_of_an_activity_are_one_turn() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let pat = bundle.channel().add_person("Pat");
    let mut activity = answered(&bundle, &pat, FIXTURES[3]).await;

    activity["channelId"] = json!("msteams");
    bundle.receive(activity).await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}
