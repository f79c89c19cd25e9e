//! Free text answered by a language model: answers, the prompt and its memory. Failures are in `model_failures`.

use std::sync::Arc;
use std::time::Duration;

use engine::order_desk::OrderDesk;
use herald::agent::Progress;
use serde_json::json;
use support::{TestBundle, TestClock};

use super::scripted_model::{ModelScript, ScriptedModel, events};

/// Longest pause between two chunks of a stream.
pub(super) const PAUSE: Duration = Duration::from_millis(1_500);

pub(super) async fn desk_with(script: ModelScript) -> (TestBundle, ScriptedModel) {
    let clock = TestBundle::clock_at_start();
    let server = ScriptedModel::start(script).await;
    (desk_of(&server, clock).await, server)
}

pub(super) async fn desk_of(server: &ScriptedModel, clock: Arc<TestClock>) -> TestBundle {
    let model = Some(server.model(clock.clone()));
    let desk = OrderDesk { model, ..OrderDesk::new(clock.clone()) };
    TestBundle::with_shared(Arc::new(desk), clock).await
}

pub(super) async fn last_text(bundle: &TestBundle) -> String {
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
async fn prompt_and_temperature_are_configured() {
    let clock = TestBundle::clock_at_start();
    let server = ScriptedModel::start(ModelScript::Streams(vec![events(&["Arr."]).into_bytes()])).await;
    let vars = [("MODEL_SYSTEM_PROMPT", "You are a pirate."), ("MODEL_TEMPERATURE", "0.2")];
    let model = Some(server.model_with(clock.clone(), &vars));
    let desk = OrderDesk { model, ..OrderDesk::new(clock.clone()) };
    let bundle = TestBundle::with_shared(Arc::new(desk), clock).await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "hello?").await;
    bundle.drain_with_time(PAUSE).await;

    let (_, body) = server.requests().pop().unwrap();
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "You are a pirate." }));
    assert_eq!(body["temperature"], json!(0.2));
    bundle.end().await;
}

#[tokio::test]
async fn deployment_of_azure_openai_gets_its_version_and_its_header() {
    let clock = TestBundle::clock_at_start();
    let server = ScriptedModel::start(ModelScript::Streams(vec![events(&["Hello."]).into_bytes()])).await;
    let vars = [("MODEL_BASE_URL", "/openai/deployments/m?api-version=2024-10-21")];
    let model = server.model_with(clock, &vars);

    let answer = model.answer("You are a desk.", &[], "hello?", &Progress::default()).await;

    assert_eq!(answer.text, "Hello.");
    let (head, _) = server.requests().pop().unwrap();
    let path = "post /v1/openai/deployments/m/chat/completions?api-version=2024-10-21 ";
    assert!(head.starts_with(path), "{head}");
    assert!(head.contains("api-key: hush") && !head.contains("authorization"), "{head}");
}
