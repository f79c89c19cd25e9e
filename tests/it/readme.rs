//! The engine of README: `readme/engine.rs` is the example to the letter, compiled here and run on the bundle.

use support::TestBundle;

#[expect(unreachable_pub, reason = "the example is written as README shows it")]
#[rustfmt::skip]
mod engine;

const README: &str = include_str!("../../README.md");
const ENGINE: &str = include_str!("readme/engine.rs");

#[test]
fn readme_shows_the_engine_that_is_tested() {
    let shown = README.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();

    assert_eq!(shown, ENGINE, "copy the example of README to tests/it/readme/engine.rs");
}

#[tokio::test]
async fn readme_engine_replies_and_follows_up() {
    let agent = engine::agent();
    let vars = |_: &str| None;
    let clock = TestBundle::clock_at_start();
    let context = herald::agent::EngineContext {
        vars: &vars,
        secrets: std::sync::Arc::new(herald::agent::NoSecrets),
        clock: clock.clone(),
    };
    let bundle = TestBundle::with_shared((agent.build)(&context).unwrap(), clock).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.ask(&alex, "report").await;
    bundle.ask(&alex, "hello").await;

    let texts = bundle.channel().texts();
    assert_eq!(texts, ["On it. I will post the report here.", "Here is the report.", "You said: hello"]);
    bundle.end().await;
}
