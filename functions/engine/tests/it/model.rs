//! Free text answered by a language model: answers, memory in the prompt, and errors of the model.

use std::sync::Arc;
use std::time::Duration;

use engine::order_desk::OrderDesk;
use serde_json::json;
use support::{TestBundle, TestClock};

use super::scripted_model::{MODEL_IDLE, ModelScript, ScriptedModel, events};

/// Longest pause between two chunks of a stream.
const PAUSE: Duration = Duration::from_millis(1_500);

async fn desk_with(script: ModelScript) -> (TestBundle, ScriptedModel) {
    let clock = TestBundle::clock_at_start();
    let server = ScriptedModel::start(script).await;
    (desk_of(&server, clock).await, server)
}

async fn desk_of(server: &ScriptedModel, clock: Arc<TestClock>) -> TestBundle {
    let model = Some(server.model(clock.clone()));
    let desk = OrderDesk { model, ..OrderDesk::new(clock.clone()) };
    TestBundle::with_shared(Arc::new(desk), clock).await
}

async fn last_text(bundle: &TestBundle) -> String {
    bundle.channel().texts().pop().unwrap()
}

#[tokio::test]
async fn free_text_is_answered_by_the_model_and_labelled_as_generated() {
    let whole = events(&["Wir ", "haben ", "schöne ", "Stühle 😀."]);
    let bytes: Vec<Vec<u8>> = whole.bytes().map(|byte| vec![byte]).collect();
    let (bundle, server) = desk_with(ModelScript::Streams(bytes)).await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "was habt ihr?").await;
    bundle.drain_with_time(PAUSE).await;

    assert_eq!(last_text(&bundle).await, "Wir haben schöne Stühle 😀.");
    let answer = bundle.channel().entries().pop().unwrap().activity;
    let is_root = |entity: &&serde_json::Value| entity["type"] == "https://schema.org/Message";
    let root = answer["entities"].as_array().unwrap().iter().find(is_root).unwrap();
    assert_eq!(root["additionalType"], json!(["AIGeneratedContent"]));
    assert_eq!(answer["channelData"]["feedbackLoop"]["type"], "default");
    let (head, body) = server.requests().pop().unwrap();
    assert!(head.starts_with("post /v1/chat/completions "), "{head}");
    assert!(head.contains("authorization: bearer hush"), "{head}");
    assert_eq!((&body["model"], &body["stream"]), (&json!("scripted"), &json!(true)));
    bundle.end().await;
}

#[tokio::test]
async fn earlier_exchanges_are_in_the_prompt_until_forgotten() {
    let (bundle, server) = desk_with(ModelScript::Streams(vec![events(&["Blue."]).into_bytes()])).await;
    let alex = bundle.install("Alex").await;

    for text in ["which colour?", "and why?", "forget this conversation", "who are you?"] {
        bundle.send(&alex, text).await;
        bundle.drain_with_time(PAUSE).await;
        bundle.clock().advance(Duration::from_secs(1));
    }

    let prompt_of = |question: usize| {
        let messages = server.requests()[question].1["messages"].as_array().unwrap().clone();
        messages.iter().skip(1).map(|one| one["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(prompt_of(1), ["which colour?", "Blue.", "and why?"]);
    assert_eq!(prompt_of(2), ["who are you?"]);
    bundle.end().await;
}

#[tokio::test]
async fn model_rejection_is_explained_once() {
    for (status, expected) in [
        (401, "its key was rejected"),
        (404, "its address or name is wrong"),
        (429, "is over its rate limit"),
        (500, "reported an error"),
        (400, "rejected that question"),
    ] {
        let (bundle, server) = desk_with(ModelScript::Answers(status, json!({ "error": "no" }))).await;
        let alex = bundle.install("Alex").await;

        bundle.send(&alex, "hello?").await;
        bundle.drain_with_time(PAUSE).await;

        let count = bundle.channel().texts().iter().filter(|text| text.contains(expected)).count();
        assert_eq!((count, server.requests().len()), (1, 1), "{status}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn model_response_without_stream_is_accepted() {
    let whole = json!({ "choices": [{ "message": { "content": "Hello." }, "finish_reason": "stop" }] });
    let (bundle, _server) = desk_with(ModelScript::Answers(200, whole)).await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "hello?").await;
    bundle.drain_with_time(PAUSE).await;

    assert_eq!(last_text(&bundle).await, "Hello.");
    bundle.end().await;
}

#[tokio::test]
async fn partial_answer_stays_and_failure_is_explained() {
    let half = events(&["We have "]).split("data: {\"choices\":[{\"delta\":{},").next().unwrap().to_owned();
    let broken = format!("{half}data: {}\n\n", json!({ "error": { "message": "out of memory" } }));
    let (cut_off, _one) = desk_with(ModelScript::Streams(vec![half.into_bytes()])).await;
    let (failed, _other) = desk_with(ModelScript::Streams(vec![broken.into_bytes()])).await;

    for (bundle, expected) in [(cut_off, "was lost"), (failed, "reported an error")] {
        let alex = bundle.install("Alex").await;
        bundle.send(&alex, "hello?").await;
        bundle.drain_with_time(PAUSE).await;

        let text = last_text(&bundle).await;
        assert!(text.starts_with("We have ") && text.contains(expected), "{text}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn silent_model_times_out() {
    let begun = format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": "We" } }] }));
    let (bundle, _server) = desk_with(ModelScript::StreamsThenStalls(vec![begun.into_bytes()])).await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "hello?").await;
    tokio::join!(bundle.drain_with_time(PAUSE), async {
        bundle.clock().sleeping(MODEL_IDLE).await;
        bundle.clock().advance(MODEL_IDLE);
    });

    let text = last_text(&bundle).await;
    assert!(text.starts_with("We\n\n") && text.contains("stopped responding"), "{text}");
    bundle.end().await;
}

#[tokio::test]
async fn unreachable_model_is_explained() {
    let clock = TestBundle::clock_at_start();
    let server = ScriptedModel::start(ModelScript::Streams(Vec::new())).await;
    let bundle = desk_of(&server, clock).await;
    let gone = server.stop().await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "hello?").await;
    bundle.drain_with_time(PAUSE).await;

    assert!(last_text(&bundle).await.contains("can't reach my language model"), "{gone}");
    bundle.end().await;
}
