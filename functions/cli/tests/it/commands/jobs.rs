//! The stories of jobs, as an operator reads them.

use std::time::Duration;

use local::channel_emulator::{Fault, Refusal};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

use super::{first_job, say};

async fn ask(bundle: &TestBundle) {
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "a secret question").await;
}

/// What `herald job show` says of the turn.
async fn story(bundle: &TestBundle) -> String {
    let said = say(bundle, &format!("job show {}", first_job(bundle).await)).await;
    assert!(said.did);
    assert!(!said.text.contains("secret") && !said.text.contains("29:"), "{}", said.text);
    said.text
}

/// The states that the line-by-line part of a story names, for the job and its parts in turn.
fn states(story: &str) -> Vec<&str> {
    let lines = story.lines().filter(|line| line.trim_start().starts_with("2026-"));
    lines.filter_map(|line| line.split_whitespace().nth(1)).collect()
}

#[tokio::test]
async fn an_answered_query_is_told_with_its_sends_and_its_task() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("a secret ack", "a secret answer")).await;

    ask(&bundle).await;
    bundle.drain().await;
    let story = story(&bundle).await;

    let id = first_job(&bundle).await;
    assert!(story.starts_with(&format!("job {id}\n  SENT, attempts 1, resends 0\n")), "{story}");
    assert!(story.contains("2026-11-22T09:00:00.000Z  SENDING\n"), "{story}");
    assert!(story.contains("\n  send 1 ") && story.contains("\n  task "), "{story}");
    assert!(story.contains("\n    send 1 "), "the task's own send stands below the task: {story}");
    assert!(story.contains(", activity "), "{story}");
    assert_eq!(states(&story), ["SENDING", "SENT"].repeat(4));
    bundle.end().await;
}

#[tokio::test]
async fn the_same_as_json_holds_no_text() {
    let bundle = TestBundle::with(ScriptedEngine::replying("a secret answer")).await;
    ask(&bundle).await;
    bundle.drain().await;

    let said = say(&bundle, &format!("job show {} --json", first_job(&bundle).await)).await;

    let story: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!(story["job"]["state"], "SENT");
    assert_eq!(story["parts"][0]["part"], "send 1");
    assert_eq!(story["parts"][0]["job"]["history"][1]["state"], "SENT");
    assert!(!said.text.contains("secret"), "{}", said.text);
    bundle.end().await;
}

#[tokio::test]
async fn a_throttled_and_retried_query_says_that_it_was() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("7");
    bundle.channel().fail(Fault::Status(throttled));

    ask(&bundle).await;
    bundle.step("turns").await;
    let waiting = story(&bundle).await;
    bundle.drain().await;
    let done = story(&bundle).await;

    assert!(
        waiting.contains("RETRY, attempts 1, resends 0, expires 2026-11-23T09:00:00.000Z, planned: 1 send")
    );
    assert!(done.contains("RETRY    channel asked to slow down\n"), "{done}");
    assert_eq!(states(&done), ["SENDING", "RETRY", "SENDING", "SENT"].repeat(2));
    bundle.end().await;
}

#[tokio::test]
async fn a_query_whose_reply_was_lost_twice_ends_unknown_and_says_why() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail(Fault::AcceptThenDrop);
    bundle.channel().fail(Fault::AcceptThenDrop);

    ask(&bundle).await;
    bundle.drain().await;
    let story = story(&bundle).await;

    assert!(story.contains("UNKNOWN, attempts 2, resends 1"), "{story}");
    assert!(story.contains("UNKNOWN  the channel's reply was lost"), "{story}");
    bundle.end().await;
}

#[tokio::test]
async fn a_refused_query_ends_failed_with_the_channels_word() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail(Fault::Status(Refusal::new(403, "BotNotInConversationRoster", "gone")));

    ask(&bundle).await;
    bundle.drain().await;
    let story = story(&bundle).await;

    let reason =
        "FAILED   channel answered 403 (BotNotInConversationRoster): the agent is not installed there";
    assert_eq!(story.matches(reason).count(), 2, "the turn ends as its send did: {story}");
    bundle.end().await;
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_with_its_send_and_nothing_is_said() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("7");
    bundle.channel().fail(Fault::Status(throttled));
    ask(&bundle).await;
    bundle.step("turns").await;
    let id = first_job(&bundle).await;

    let said = say(&bundle, &format!("job cancel {id}")).await;
    let again = say(&bundle, &format!("job cancel {id}")).await;
    bundle.drain().await;

    assert!(said.did && said.text.contains("Cancelled: it is CANCELLED now."), "{}", said.text);
    assert!(!again.did && again.text.contains("it has ended, as CANCELLED"), "{}", again.text);
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    assert_eq!(story(&bundle).await.matches("CANCELLED  cancelled by the operator").count(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn a_job_in_hand_is_left_alone() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    ask(&bundle).await;
    bundle.channel().fail(Fault::Late(Duration::from_secs(5)));
    let clock = bundle.clock().clone();

    let (_, said) = tokio::join!(bundle.step("turns"), async {
        clock.sleeping(Duration::from_secs(5)).await;
        let said = say(&bundle, &format!("job cancel {}", first_job(&bundle).await)).await;
        clock.advance(Duration::from_secs(5));
        said
    });

    assert!(
        !said.did && said.text.contains("has it in hand, until 2026-11-22T09:00:20.000Z"),
        "{}",
        said.text
    );
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn a_job_that_nobody_knows_is_said_to_be_one() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let id = "0".repeat(64);

    let shown = say(&bundle, &format!("job show {id}")).await;
    let document = say(&bundle, &format!("job show {id} --json")).await;
    let cancelled = say(&bundle, &format!("job cancel {id}")).await;

    for said in [&shown, &cancelled] {
        assert!(!said.did && said.text.lines().count() == 1, "{}", said.text);
        assert!(said.text.starts_with(&format!("No job {id} here: check")), "{}", said.text);
    }
    assert_eq!(serde_json::from_str::<Value>(&document.text).unwrap(), json!(null));
    bundle.end().await;
}
