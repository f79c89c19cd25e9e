//! Sends while the channel throttles, rejects or loses replies, one rule per test. `crashes` and `channel_errors` are
//! exhaustive.

use std::time::Duration;

use herald::jobs::{Failure, FailureKind, State};
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use serde_json::json;
use support::jobs::{failures_of, states_of};
use support::{ScriptedEngine, TestBundle};

async fn ask(bundle: &TestBundle) {
    let alex = bundle.channel().add_person("Alex");
    bundle.ask(&alex, "hello").await;
}

#[tokio::test]
async fn throttled_answer_is_kept_and_sent_later() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    for _ in 0..5 {
        bundle.channel().fail(Fault::Status(Refusal::new(429, "Throttled", "slow down").retry_after("7")));
    }

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    assert_eq!(bundle.channel().entries().len(), 6);
    bundle.end().await;
}

#[tokio::test]
async fn answer_with_lost_reply_is_repeated_once() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail(Fault::AcceptThenDrop);

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["Hello.", "Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn answer_with_reply_lost_twice_is_unknown() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts().len(), 2);
    assert!(bundle.jobs().await.iter().any(|job| states_of(job).contains(&State::Unknown)));
    bundle.end().await;
}

#[tokio::test]
async fn ambiguous_answer_is_not_recorded_as_failed() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail(Fault::AcceptThenDrop);
    let blocked = Refusal::new(403, "ConversationBlockedByUser", "No");
    bundle.channel().fail_on(Operation::Send, Fault::Status(blocked));

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    let jobs = bundle.jobs().await;
    let is_blocked = |failure: &Failure| failure.code.as_deref() == Some("ConversationBlockedByUser");
    let job = jobs.iter().find(|job| failures_of(job).iter().any(is_blocked)).unwrap();
    assert_eq!(job.state, State::Unknown, "{job:?}");
    let is_earlier = |failure: &Failure| failure.kind == FailureKind::EarlierAttempt;
    assert!(failures_of(job).iter().any(is_earlier), "{job:?}");
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_with_lost_reply_is_not_repeated() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    bundle.install("Alex").await;
    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenDrop);

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["News."]);
    assert!(bundle.jobs().await.iter().any(|job| states_of(job).contains(&State::Unknown)));
    bundle.end().await;
}

#[tokio::test]
async fn answer_without_id_counts_as_sent() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail(Fault::EmptyBody);

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn rejected_token_is_replaced_once() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    ask(&bundle).await;
    bundle.channel().revoke_tokens();

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["Hello.", "Hello."]);
    assert_eq!(bundle.channel().token_requests(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn rejected_request_without_time_for_a_second_is_sent_by_the_queue_of_tasks() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.ask(&alex, "hello").await;
    for age in [9, 11] {
        bundle.send(&alex, "hello").await;
        bundle.clock().advance(Duration::from_secs(age));
        bundle.channel().revoke_tokens();
        bundle.step("turns").await;
    }

    let in_time = bundle.channel().texts().len();
    bundle.drain().await;

    assert_eq!((in_time, bundle.channel().texts().len()), (2, 3));
    bundle.end().await;
}

#[tokio::test]
async fn user_who_blocked_the_agent_is_skipped_until_they_write() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    let alex = bundle.install("Alex").await;
    bundle.channel().fail(Fault::Status(Refusal::new(403, "ConversationBlockedByUser", "blocked")));

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;
    bundle.clock().advance(std::time::Duration::from_secs(60));
    let while_blocked = bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.ask(&alex, "I am back").await;
    bundle.clock().advance(std::time::Duration::from_secs(60));
    let afterwards = bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    assert_eq!((&while_blocked["recipients"], &afterwards["recipients"]), (&json!(0), &json!(1)));
    assert_eq!(bundle.channel().texts(), ["News."]);
    bundle.end().await;
}

#[tokio::test]
async fn login_outage_loses_nothing() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.channel().fail_on(Operation::Token, Fault::Status(Refusal::raw(503, "")));

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_is_repeated_after_gateway_error_unless_at_most_once() {
    for (at_most_once, attempts) in [(false, 2), (true, 1)] {
        let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
        bundle.install("Alex").await;
        bundle.channel().fail_on(Operation::Send, Fault::Status(Refusal::raw(503, "")));
        let mut event = bundle.event(json!({ "kind": "everyone" }));
        event["at_most_once"] = json!(at_most_once);

        bundle.local().fire(event).await.unwrap();
        bundle.drain().await;

        let entries = bundle.channel().entries();
        let sends = entries.iter().filter(|entry| entry.effect != Effect::Read).count();
        assert_eq!(sends, attempts, "at most once: {at_most_once}");
        assert_eq!(bundle.channel().texts().len(), attempts - 1);
        bundle.end().await;
    }
}

/// Runs a bundle whose answer replaces the ack; returns the texts and effects in the channel.
async fn replaced(fault: Option<Fault>) -> (Vec<String>, Vec<Effect>) {
    let bundle = TestBundle::with(ScriptedEngine::replacing("On it.", "Here it is.")).await;
    if let Some(fault) = fault {
        bundle.channel().fail_on(Operation::Update, fault);
    }

    ask(&bundle).await;

    let effects = bundle.channel().entries().iter().map(|entry| entry.effect).collect();
    let texts = bundle.channel().texts();
    bundle.end().await;
    (texts, effects)
}

#[tokio::test]
async fn answer_replaces_the_ack() {
    let (texts, effects) = replaced(None).await;

    assert_eq!(texts, ["On it.", "Here it is."]);
    assert_eq!(effects, [Effect::Sent, Effect::Updated]);
}

#[tokio::test]
async fn update_with_lost_reply_is_repeated_without_duplicate() {
    let (_, effects) = replaced(Some(Fault::AcceptThenDrop)).await;

    assert_eq!(
        effects,
        [Effect::Sent, Effect::Updated, Effect::Updated],
        "the same content in the same place"
    );
}

#[tokio::test]
async fn answer_is_a_message_when_channel_cannot_update() {
    let gone = Refusal::new(404, "ActivityNotFoundInConversation", "The activity was not found.");

    let (texts, effects) = replaced(Some(Fault::Status(gone))).await;

    assert_eq!(texts, ["On it.", "Here it is."]);
    assert_eq!(effects, [Effect::Sent, Effect::Refused, Effect::Sent]);
}

#[tokio::test]
async fn ack_without_id_is_followed_by_a_message() {
    let bundle = TestBundle::with(ScriptedEngine::replacing("On it.", "Here it is.")).await;
    bundle.channel().fail_on(Operation::Send, Fault::EmptyBody);

    ask(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."]);
    bundle.end().await;
}
