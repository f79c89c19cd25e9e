//! The demo that comes with an agent is played and checked; an agent needs none.

use std::sync::Arc;

use cli::demo::{DemoError, demo};
use herald::agent::Engine;
use herald::app::Agent;
use herald::app::demo_script::{Demo, Expected, Scene, Step};
use support::ScriptedEngine;

fn engine() -> Arc<dyn Engine> {
    Arc::new(ScriptedEngine::replying("Hello."))
}

fn agent() -> Agent {
    Agent::new(|_| Ok(engine()))
}

#[tokio::test]
async fn agent_without_a_demo_is_no_error() {
    assert!(demo(agent()).await.is_ok());
}

#[tokio::test]
async fn what_does_not_arrive_as_expected_is_counted() {
    let expected =
        ["Hello.", "Good morning."].map(|text| Step::Expect(vec![Expected::Message("Alex", text)]));
    let steps = expected.map(|expected| [Step::Write("Alex", "hello"), expected]).concat();

    let played = demo(agent().demo(Demo::new(engine(), [Scene::new("Alex: “hello”, twice", steps)]))).await;

    assert!(matches!(played, Err(DemoError::Unmet(1))), "{played:?}");
}
