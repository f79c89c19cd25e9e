//! `herald job show` and `herald job cancel`.

use std::time::Duration;

use local::channel_emulator::{Fault, Operation, Refusal};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

use super::{execute, first_job};
use crate::golden::{Times, assert_golden};

/// Receives a message.
async fn receive_message(bundle: &TestBundle) {
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "a secret question").await;
}

/// Returns the output of `herald job show` for the turn.
async fn show(bundle: &TestBundle) -> String {
    let output = execute(bundle, &format!("job show {}", first_job(bundle).await)).await;
    assert!(output.is_done);
    assert!(!output.text.contains("secret") && !output.text.contains("29:"), "{}", output.text);
    output.text
}

#[tokio::test]
async fn job_of_a_turn_is_shown_with_its_sends_and_its_task() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("a secret ack", "a secret answer")).await;

    receive_message(&bundle).await;
    bundle.drain().await;
    let shown = show(&bundle).await;

    assert_golden("job/show-turn-with-task.txt", &shown, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn json_of_a_job_contains_no_text() {
    let bundle = TestBundle::with(ScriptedEngine::replying("a secret answer")).await;
    receive_message(&bundle).await;
    bundle.drain().await;

    let output = execute(&bundle, &format!("job show {} --json", first_job(&bundle).await)).await;

    let shown: Value = serde_json::from_str(&output.text).unwrap();
    assert_eq!(shown["job"]["state"], "SENT");
    assert_eq!(shown["parts"][0]["part"], "send 1");
    assert_eq!(shown["parts"][0]["job"]["history"][1]["state"], "SENT");
    assert!(!output.text.contains("secret"), "{}", output.text);
    bundle.end().await;
}

#[tokio::test]
async fn throttled_job_is_shown_with_its_retry() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("7");
    bundle.channel().fail(Fault::Status(throttled));

    receive_message(&bundle).await;
    bundle.step("turns").await;
    let waiting = show(&bundle).await;
    bundle.drain().await;
    let done = show(&bundle).await;

    assert_golden("job/show-throttled.txt", &waiting, Times::Compared);
    assert_golden("job/show-retried.txt", &done, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn job_with_two_lost_replies_ends_as_unknown() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);

    receive_message(&bundle).await;
    bundle.drain().await;
    let shown = show(&bundle).await;

    assert_golden("job/show-unknown.txt", &shown, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn rejected_job_ends_as_failed_with_the_code_of_the_channel() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail(Fault::Status(Refusal::new(403, "BotNotInConversationRoster", "gone")));

    receive_message(&bundle).await;
    bundle.drain().await;
    let shown = show(&bundle).await;

    assert_golden("job/show-failed.txt", &shown, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn waiting_job_is_cancelled_with_its_send() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("7");
    bundle.channel().fail(Fault::Status(throttled));
    receive_message(&bundle).await;
    bundle.step("turns").await;
    let id = first_job(&bundle).await;

    let cancelled = execute(&bundle, &format!("job cancel {id}")).await;
    let again = execute(&bundle, &format!("job cancel {id}")).await;
    bundle.drain().await;

    assert!(cancelled.is_done && !again.is_done);
    assert_golden("job/cancel.txt", &cancelled.text, Times::Compared);
    assert_golden("job/cancel-ended.txt", &again.text, Times::Compared);
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    assert_golden("job/show-cancelled.txt", &show(&bundle).await, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn job_in_progress_is_not_cancelled() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    receive_message(&bundle).await;
    bundle.channel().fail(Fault::Late(Duration::from_secs(5)));
    let clock = bundle.clock().clone();

    let (_, output) = tokio::join!(bundle.step("turns"), async {
        clock.sleeping(Duration::from_secs(5)).await;
        let output = execute(&bundle, &format!("job cancel {}", first_job(&bundle).await)).await;
        clock.advance(Duration::from_secs(5));
        output
    });

    assert!(!output.is_done);
    assert_golden("job/cancel-in-progress.txt", &output.text, Times::Compared);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn unknown_job_is_not_found() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let id = "0".repeat(64);

    let shown = execute(&bundle, &format!("job show {id}")).await;
    let document = execute(&bundle, &format!("job show {id} --json")).await;
    let cancelled = execute(&bundle, &format!("job cancel {id}")).await;

    for output in [&shown, &cancelled] {
        assert!(!output.is_done);
        assert_golden("job/not-found.txt", &output.text, Times::Compared);
    }
    assert_eq!(serde_json::from_str::<Value>(&document.text).unwrap(), json!(null));
    bundle.end().await;
}
