//! Messages of a channel or a chat that are not meant for the agent: the runtime is silent about them, whatever happens.

use std::time::Duration;

use local::channel_emulator::Effect;
use serde_json::{Value, json};
use support::fixtures::activity_of;
use support::{ScriptedEngine, TestBundle};

const FIXTURES: [&str; 4] = [
    include_str!("../../fixtures/channel-message-not-addressed.json"),
    include_str!("../../fixtures/channel-message-mentions-another.json"),
    include_str!("../../fixtures/channel-chatter.json"),
    include_str!("../../fixtures/group-chat-message-not-addressed.json"),
];

/// Longer than any sleep in these tests, so that time passes by itself.
const FLOW: Duration = Duration::from_secs(60);

/// Starts a bundle whose engine takes longer than the ack may, and then fails more often than it is asked.
async fn slow_and_broken() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let engine =
        ScriptedEngine::replying("Never.").after(Duration::from_secs(7), clock.clone()).failing_first(99);
    TestBundle::with_shared(std::sync::Arc::new(engine), clock).await
}

#[tokio::test]
async fn nothing_is_sent_about_a_message_that_is_not_for_the_agent() {
    for fixture in FIXTURES {
        let bundle = slow_and_broken().await;
        let pat = bundle.channel().add_person("Pat");
        let activity = activity_of(&bundle, &pat, fixture);
        let mut inline = activity.clone();
        inline["deliveryMode"] = json!("expectReplies");

        bundle.receive(activity).await;
        bundle.drain_with_time(FLOW).await;
        let answered = tokio::select! {
            answered = bundle.deliver(inline) => answered,
            () = bundle.clock().flow(FLOW) => continue,
        };

        let sent: Vec<_> = bundle.channel().entries();
        assert!(sent.iter().all(|entry| entry.effect != Effect::Sent), "{sent:?}");
        assert_eq!(answered.json(), json!({ "activities": [] }));
        bundle.end().await;
    }
}

#[tokio::test]
async fn mention_in_a_channel_gets_the_default_ack() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::replying("Hello.").after(Duration::from_secs(7), clock.clone());
    let bundle = TestBundle::with_shared(std::sync::Arc::new(engine), clock).await;
    let pat = bundle.channel().add_person("Pat");
    let channel = bundle.channel().add_channel("Shop", "General");
    let mention: Value = bundle.channel().mention(&pat, &channel, "order a pizza");

    bundle.receive(mention).await;
    bundle.drain_with_time(FLOW).await;

    let texts = bundle.channel().texts();
    assert_eq!((texts.len(), texts[1].as_str()), (2, "Hello."), "{texts:?}");
    bundle.end().await;
}
