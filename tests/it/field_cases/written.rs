//! What a person wrote, where the message has only HTML. `herald::agent::Turn` has the table of forms.

use std::sync::Arc;

use support::fixtures::activity_of;
use support::{ScriptedEngine, TestBundle};

#[tokio::test]
async fn message_of_html_alone_is_read() {
    for (fixture, expected) in [
        (include_str!("../../fixtures/html-without-text.json"), "order a lamp & a desk"),
        (include_str!("../../fixtures/html-with-empty-text.json"), "order a lamp"),
    ] {
        let engine = Arc::new(ScriptedEngine::replying("On it."));
        let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
        let pat = bundle.channel().add_person("Pat");

        bundle.receive(activity_of(&bundle, &pat, fixture)).await;
        bundle.drain().await;

        assert_eq!(engine.received(), [("message".to_owned(), expected.to_owned())]);
        assert_eq!(bundle.channel().texts(), ["On it."]);
        bundle.end().await;
    }
}

#[tokio::test]
async fn mention_without_entity_leaves_as_a_name() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Ask <at>Kim</at>.")).await;
    let pat = bundle.channel().add_person("Pat");
    let mut inline = bundle.channel().message(&pat, "whom?");
    inline["deliveryMode"] = serde_json::json!("expectReplies");

    bundle.ask(&pat, "whom?").await;
    let answered = bundle.deliver(inline).await.json();

    assert_eq!(bundle.channel().texts(), ["Ask Kim."]);
    assert_eq!(answered["activities"][0]["text"], "Ask Kim.");
    bundle.end().await;
}
