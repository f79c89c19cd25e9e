//! The examples, each as its agent.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{EngineContext, NoSecrets};
use support::TestBundle;

use super::scripted_model::{ModelScript, ScriptedModel, begun, events};

#[expect(dead_code, reason = "`main` is that of the example")]
#[path = "../../examples/broadcast.rs"]
mod broadcast;
#[expect(dead_code, reason = "`main` is that of the example")]
#[path = "../../examples/echo.rs"]
mod echo;
#[expect(dead_code, reason = "`main` is that of the example")]
#[path = "../../examples/model.rs"]
mod model;

const PAUSE: Duration = Duration::from_millis(1_500);

/// Returns a bundle with the engine that an example builds with these variables.
async fn bundle_of(agent: herald::app::Agent, vars: &[(&str, &str)]) -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let vars: Vec<_> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let get = move |name: &str| vars.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let context = EngineContext { vars: &get, secrets: Arc::new(NoSecrets), clock: clock.clone() };
    let engine = (agent.build)(&context).unwrap();
    TestBundle::with_shared(engine, clock).await
}

#[tokio::test]
async fn echo_repeats_a_message() {
    let bundle = bundle_of(echo::agent(), &[]).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.ask(&alex, "good morning").await;

    assert_eq!(bundle.channel().texts(), ["You wrote: good morning"]);
    bundle.end().await;
}

#[tokio::test]
async fn model_answers_and_explains_its_failure() {
    let whole = events(&["Two ", "days."]);
    let broken = begun(&["Two "]);
    for (script, answer) in [
        (ModelScript::Streams(vec![whole.into_bytes()]), "Two days."),
        (
            ModelScript::StreamsThenCloses(vec![broken.into_bytes()]),
            "Two \n\nThe connection to my language model was lost. Please ask again.",
        ),
    ] {
        let server = ScriptedModel::start(script).await;
        let vars = [("MODEL_BASE_URL", server.url()), ("MODEL_NAME", "scripted")];
        let bundle = bundle_of(model::agent(), &vars).await;
        let alex = bundle.channel().add_person("Alex");

        bundle.send(&alex, "how long?").await;
        bundle.drain_with_time(PAUSE).await;

        assert_eq!(bundle.channel().texts().pop().unwrap(), answer);
        bundle.end().await;
    }
}

#[tokio::test]
async fn broadcast_is_sent_in_the_language_of_each_recipient() {
    let played = cli::demo::demo(broadcast::agent()).await;

    assert!(played.is_ok(), "{played:?}");
}
