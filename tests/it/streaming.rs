//! Streamed answers: paced, kept alive, closed in time, stopped, and complete at the end. `crashes` covers crash
//! points; the unit tests of `herald::streaming` cover random engines.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::Response;
use herald::agent::{Task, TaskResponse};
use herald::clock::Clock;
use herald::jobs::{FailureKind, Job, JobId};
use herald::protocol::activity::Activity;
use jiff::SignedDuration;
use local::channel_emulator::{Effect, Fault, Operation, Refusal, TranscriptEntry};
use local::poller::Step;
use serde_json::json;
use support::jobs::failures_of;
use support::{ScriptedEngine, TestBundle};

use crate::channel_errors::reference_of;

const STATUS: &str = "Looking…";

/// Longer than any sleep in these tests, so that time passes by itself.
const FLOW: Duration = Duration::from_secs(60);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Starts a bundle whose engine streams these chunks, each after its pause, and ends with `answer`.
async fn bundle_streaming(chunks: &[(Duration, &'static str)], answer: TaskResponse) -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::streaming(STATUS, chunks, answer, clock.clone());
    TestBundle::with_shared(Arc::new(engine), clock).await
}

fn done(text: &str) -> TaskResponse {
    TaskResponse::done([Activity::message(text)])
}

/// Sends a query of Alex, and works until the queues are empty while time passes.
async fn ask(bundle: &TestBundle) {
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "tell me").await;
    drain(bundle).await;
}

async fn drain(bundle: &TestBundle) {
    bundle.drain_with_time(FLOW).await;
}

/// Returns the sends and updates of the channel, in order.
fn shown(bundle: &TestBundle) -> Vec<TranscriptEntry> {
    let shows = |entry: &TranscriptEntry| matches!(entry.effect, Effect::Sent | Effect::Updated);
    bundle.channel().entries().into_iter().filter(shows).collect()
}

fn info(entry: &TranscriptEntry, name: &str) -> serde_json::Value {
    let entities = entry.activity["entities"].as_array().cloned().unwrap_or_default();
    let info = entities.into_iter().find(|entity| entity["type"] == "streaminfo").unwrap_or_default();
    info[name].clone()
}

fn gaps(entries: &[TranscriptEntry]) -> Vec<SignedDuration> {
    entries.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at)).collect()
}

#[tokio::test]
async fn streamed_answer_grows_in_one_message_and_ends_complete() {
    let chunks = [(seconds(2), "Two "), (seconds(2), "laptops "), (seconds(2), "are left.")];
    let bundle = bundle_streaming(&chunks, done("Two laptops are left.")).await;

    ask(&bundle).await;

    let shown = shown(&bundle);
    let texts: Vec<&str> = shown.iter().filter_map(|entry| entry.activity["text"].as_str()).collect();
    assert_eq!(texts.first(), Some(&STATUS), "{texts:?}");
    assert_eq!(texts.last(), Some(&"Two laptops are left."), "{texts:?}");
    assert!(texts.contains(&"Two "), "{texts:?}");
    let kinds: Vec<_> = shown.iter().map(|entry| info(entry, "streamType")).collect();
    assert_eq!(
        (&kinds[0], &kinds[1], kinds.last()),
        (&json!("informative"), &json!("streaming"), Some(&json!("final")))
    );
    let ids: Vec<_> = shown.iter().map(|entry| entry.activity_id.clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(gaps(&shown).iter().all(|gap| *gap >= SignedDuration::from_secs(1)), "{:?}", gaps(&shown));
    assert_eq!(bundle.channel().texts(), ["Two laptops are left."]);
    bundle.end().await;
}

#[tokio::test]
async fn silent_stream_is_kept_alive_and_long_answer_is_replaced_after_close() {
    let chunks =
        [(seconds(5), "Two "), (seconds(50), "laptops "), (seconds(50), "are "), (seconds(50), "left.")];
    let bundle = bundle_streaming(&chunks, done("Two laptops are left.")).await;

    ask(&bundle).await;

    let shown = shown(&bundle);
    let close = shown.iter().position(|entry| info(entry, "streamType") == "final").unwrap();
    let age = shown[close].at.duration_since(shown[0].at);
    assert!(age <= SignedDuration::from_secs(105), "{age:?}");
    let gaps = gaps(&shown[..=close]);
    assert!(gaps.iter().all(|gap| *gap <= SignedDuration::from_secs(35)), "{gaps:?}");
    assert_eq!(
        shown[close].activity["text"],
        "Two laptops \n\nThis takes longer. The answer will follow here."
    );
    let last = shown.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("Two laptops are left.")));
    assert_eq!(last.activity_id, shown[0].activity_id);
    assert_eq!(info(last, "streamType"), json!(null));
    bundle.end().await;
}

#[tokio::test]
async fn stream_whose_task_waits_behind_others_is_kept_alive_and_closed_in_time() {
    for (waits, is_closed) in [(90, false), (150, true)] {
        let bundle =
            bundle_streaming(&[(seconds(1), "Two laptops are left.")], done("Two laptops are left.")).await;
        let alex = bundle.channel().add_person("Alex");
        let asked = bundle.clock().now();
        bundle.send(&alex, "tell me").await;
        bundle.step("turns").await;

        // Workers are busy with other tasks: only keep-alives are handled, once a second.
        for _ in 0..waits {
            bundle.clock().advance(seconds(1));
            if let Step::Returned { receipt } = bundle.step("deliveries").await {
                bundle.make_visible("deliveries", &receipt).await;
            }
        }
        drain(&bundle).await;

        let shown = shown(&bundle);
        let open: Vec<_> = shown
            .iter()
            .filter(|entry| entry.at.duration_since(asked) <= SignedDuration::from_secs(105))
            .cloned()
            .collect();
        assert!(gaps(&open).iter().all(|gap| gap.as_secs() <= 35), "{:?}", gaps(&open));
        let sequences: Vec<_> =
            shown.iter().filter_map(|entry| info(entry, "streamSequence").as_u64()).collect();
        assert!(sequences.is_sorted_by(|before, after| before < after), "{sequences:?}");
        let closed = shown.iter().any(|entry| info(entry, "streamResult") == "timeout");
        assert_eq!(closed, is_closed);
        assert_eq!(bundle.channel().texts().last().map(String::as_str), Some("Two laptops are left."));
        bundle.end().await;
    }
}

#[tokio::test]
async fn stream_stopped_by_user_is_dropped_silently() {
    let chunks = [(seconds(2), "Two "), (seconds(2), "laptops "), (seconds(30), "are left.")];
    let bundle = bundle_streaming(&chunks, done("Two laptops are left.")).await;
    let alex = bundle.channel().add_person("Alex");
    let conversation = bundle.channel().personal_conversation(&alex);
    bundle.send(&alex, "tell me").await;
    bundle.step("turns").await;

    bundle.channel().stop_stream(&conversation);
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), [""; 0]);
    let jobs = bundle.jobs().await;
    assert!(jobs.iter().any(|job| has_failed_by(job, FailureKind::StoppedByUser)), "{jobs:?}");
    bundle.end().await;
}

#[tokio::test]
async fn group_conversation_gets_status_and_answer_as_messages() {
    let bundle = bundle_streaming(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
    let alex = bundle.channel().add_person("Alex");
    let channel = bundle.channel().add_channel("Sales", "General");

    bundle.receive(bundle.channel().mention(&alex, &channel, "tell me")).await;
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), [STATUS, "Two laptops."]);
    assert!(shown(&bundle).iter().all(|entry| info(entry, "streamType").is_null()));
    bundle.end().await;
}

#[tokio::test]
async fn second_answer_is_not_streamed_while_first_stream_is_open() {
    let bundle = bundle_streaming(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
    let alex = bundle.channel().add_person("Alex");
    for text in ["tell me", "tell me more"] {
        bundle.send(&alex, text).await;
        bundle.step("turns").await;
    }

    drain(&bundle).await;
    bundle.send(&alex, "and again").await;
    drain(&bundle).await;

    let streams: std::collections::HashSet<_> = shown(&bundle)
        .iter()
        .filter(|entry| !info(entry, "streamType").is_null())
        .map(|entry| entry.activity_id.clone())
        .collect();
    assert_eq!(streams.len(), 2);
    let texts = bundle.channel().texts();
    assert_eq!(texts.iter().filter(|text| *text == "Two laptops.").count(), 3, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| *text == STATUS).count(), 1, "{texts:?}");
    bundle.end().await;
}

#[tokio::test]
async fn answer_that_differs_from_streamed_text_replaces_it() {
    let bundle =
        bundle_streaming(&[(seconds(2), "Perhaps"), (seconds(3), " two.")], done("There are three.")).await;

    ask(&bundle).await;

    let shown = shown(&bundle);
    let last = shown.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("There are three.")));
    assert_eq!(last.activity_id, shown[0].activity_id);
    assert_eq!(bundle.channel().texts(), ["Perhaps", "There are three."]);
    bundle.end().await;
}

#[tokio::test]
async fn streamed_text_stays_before_failure_notice_of_engine() {
    let answer = TaskResponse::failed(Activity::message("The shop is closed."));
    let bundle = bundle_streaming(&[(seconds(2), "Two "), (seconds(3), "laptops")], answer).await;

    ask(&bundle).await;

    let texts = bundle.channel().texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("Two ") && texts[0].ends_with("\n\nThe shop is closed."), "{texts:?}");
    bundle.end().await;
}

#[tokio::test]
async fn answer_follows_when_engine_fails_after_stream_was_closed() {
    let clock = TestBundle::clock_at_start();
    let chunks = [(seconds(5), "Two "), (seconds(50), "laptops "), (seconds(55), "are left.")];
    let engine = ScriptedEngine::streaming(STATUS, &chunks, done("Two laptops are left."), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine.failing_tasks_first(1)), clock).await;

    ask(&bundle).await;

    let shown = shown(&bundle);
    let last = shown.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("Two laptops are left.")));
    assert_eq!(last.activity_id, shown[0].activity_id);
    bundle.end().await;
}

#[tokio::test]
async fn every_rejected_stream_leaves_complete_answer_once() {
    let not_allowed = |message| Refusal::new(403, "ContentStreamNotAllowed", message);
    let refusals = [
        not_allowed("Content stream finished due to exceeded streaming time."),
        not_allowed("Content stream is not allowed"),
        not_allowed("Message size too large"),
        not_allowed("Streamed content should contain the previously streamed content"),
        Refusal::new(400, "BadArgument", "Streaming api is not enabled"),
        Refusal::new(400, "BadRequest", "Stream fields are missing"),
        Refusal::raw(405, ""),
        Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("2"),
        Refusal::raw(500, ""),
    ];

    for (at, refusal) in (1..=2).flat_map(|at| refusals.iter().map(move |refusal| (at, refusal))) {
        let chunks = [(seconds(2), "Two "), (seconds(3), "laptops.")];
        let bundle = bundle_streaming(&chunks, done("Two laptops.")).await;
        let alex = bundle.channel().add_person("Alex");
        bundle.send(&alex, "tell me").await;
        if at == 2 {
            bundle.step("turns").await;
        }
        bundle.channel().fail_on(Operation::Send, Fault::Status(refusal.clone()));

        drain(&bundle).await;

        let texts = bundle.channel().texts();
        let answers = texts.iter().filter(|text| *text == "Two laptops.").count();
        assert_eq!(answers, 1, "{refusal:?} at {at}: {texts:?}");
        let is_closing = |text: &str| text.ends_with("The answer will follow here.");
        let others = texts.iter().filter(|text| *text != "Two laptops." && !is_closing(text));
        assert!(others.into_iter().all(|text| at == 1 && text == STATUS), "{refusal:?} at {at}: {texts:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn text_over_activity_limit_is_streamed_and_continued_in_messages() {
    let long: &'static str = Box::leak("A word. ".repeat(10_000).into_boxed_str());
    let chunks = [(seconds(2), long)];
    let bundle = bundle_streaming(&chunks, done(long)).await;

    ask(&bundle).await;

    let texts = bundle.channel().texts();
    assert!(texts.len() > 5, "{}", texts.len());
    assert_eq!(texts.concat(), long);
    bundle.end().await;
}

#[tokio::test]
async fn slow_engine_shows_typing_until_it_answers() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::replying("Hello.").after(seconds(4), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock).await;

    ask(&bundle).await;

    let shown = shown(&bundle);
    let kinds: Vec<_> = shown.iter().filter_map(|entry| entry.activity["type"].as_str()).collect();
    assert_eq!(kinds, ["typing", "typing", "message"]);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn copilot_conversation_shows_typing_sooner() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::replying("Hello.").after(Duration::from_millis(2_500), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock).await;
    let alex = bundle.channel().add_person("Alex");
    let mut activity = bundle.channel().message(&alex, "tell me");
    activity["entities"] = json!([{ "type": "ProductInfo", "id": "COPILOT" }]);

    bundle.receive(activity).await;
    drain(&bundle).await;

    let shown = shown(&bundle);
    let kinds: Vec<_> = shown.iter().filter_map(|entry| entry.activity["type"].as_str()).collect();
    assert_eq!(kinds, ["typing", "typing", "typing", "message"]);
    bundle.end().await;
}

#[tokio::test]
async fn caller_with_expect_replies_gets_status_of_streamed_answer() {
    let response = Response::stream(STATUS, Task::new("work"));
    let bundle = TestBundle::with(ScriptedEngine::deciding(response)).await;
    let alex = bundle.channel().add_person("Alex");
    let mut activity = bundle.channel().message(&alex, "tell me");
    activity["deliveryMode"] = "expectReplies".into();

    let answer = bundle.deliver(activity).await;

    assert_eq!(answer.json()["activities"][0]["text"], STATUS);
    bundle.purge("tasks").await;
    bundle.end().await;
}

#[tokio::test]
async fn stream_of_permanently_failed_task_ends_with_apology() {
    let clock = TestBundle::clock_at_start();
    let response = Response::stream(STATUS, Task::new("unknown"));
    let bundle = TestBundle::with_shared(Arc::new(ScriptedEngine::deciding(response)), clock).await;

    ask(&bundle).await;

    let apology = bundle.local().functions.worker.parts().engine.failure_notice().text.unwrap();
    assert_eq!(bundle.channel().texts(), [apology]);
    let jobs = bundle.jobs().await;
    assert!(jobs.iter().any(|job| has_failed_by(job, FailureKind::EngineGaveUp)), "{jobs:?}");
    bundle.end().await;
}

#[tokio::test]
async fn stream_is_closed_before_silence_limit_while_task_is_retried() {
    let clock = TestBundle::clock_at_start();
    let chunks = [(seconds(5), "Two "), (seconds(50), "laptops.")];
    let engine = ScriptedEngine::streaming(STATUS, &chunks, done("Two laptops."), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine.failing_tasks_first(1)), clock).await;

    ask(&bundle).await;

    let shown = shown(&bundle);
    let close = shown.iter().position(|entry| info(entry, "streamType") == "final").unwrap();
    let gaps = gaps(&shown[..=close]);
    assert!(gaps.iter().all(|gap| *gap <= SignedDuration::from_secs(35)), "{gaps:?}");
    let last = shown.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("Two laptops.")));
    assert!(last.at.duration_since(shown[close].at) > SignedDuration::from_secs(10), "it was still made");
    bundle.end().await;
}

#[tokio::test]
async fn stream_with_unrecorded_chunks_ends_with_its_answer() {
    let clock = TestBundle::clock_at_start();
    let chunks = [(seconds(5), "Two "), (seconds(50), "laptops.")];
    let engine = ScriptedEngine::streaming(STATUS, &chunks, done("Two laptops."), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine.failing_tasks_first(1)), clock).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "tell me").await;
    bundle.step("turns").await;
    let left = tokio::select! {
        biased;
        left = bundle.step("tasks") => left,
        () = bundle.clock().flow(FLOW) => panic!("it takes too long"),
    };
    let Step::Returned { receipt } = left else { panic!("the message was not returned") };
    // As after a worker that crashed before it recorded the text that it sent.
    let mut job = bundle.jobs().await.into_iter().find(has_sent_text).unwrap();
    job.stream.as_mut().unwrap().sent_text.clear();
    bundle.local().functions.worker.parts().jobs.write(job).await.unwrap().unwrap();
    bundle.make_visible("tasks", &receipt).await;

    drain(&bundle).await;

    let entries = bundle.channel().entries();
    let ends = entries.iter().filter(|entry| info(entry, "streamType") == "final");
    let ends: Vec<_> = ends.map(|entry| (entry.effect, entry.activity["text"] == "Two laptops.")).collect();
    assert_eq!(ends, [(Effect::Refused, false), (Effect::Sent, true)]);
    assert_eq!(bundle.channel().texts(), ["Two laptops."]);
    bundle.end().await;
}

fn has_failed_by(job: &Job, kind: FailureKind) -> bool {
    failures_of(job).iter().any(|failure| failure.kind == kind)
}

fn has_sent_text(job: &Job) -> bool {
    job.stream.as_ref().is_some_and(|stream| !stream.sent_text.is_empty())
}

#[tokio::test]
async fn rejected_stream_is_answered_and_does_not_block_the_next() {
    // At once, or after an ambiguous reply to the first chunk.
    for statuses in [[405].as_slice(), &[500, 405]] {
        let bundle = bundle_streaming(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
        let alex = bundle.channel().add_person("Alex");
        for status in statuses {
            bundle.channel().fail_on(Operation::Send, Fault::Status(Refusal::raw(*status, "")));
        }
        bundle.send(&alex, "tell me").await;
        drain(&bundle).await;

        bundle.send(&alex, "tell me more").await;
        drain(&bundle).await;

        assert_eq!(bundle.channel().texts(), [STATUS, "Two laptops.", "Two laptops."], "{statuses:?}");
        assert_eq!(info(shown(&bundle).last().unwrap(), "streamType"), "final", "{statuses:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn throttled_stream_is_not_started_while_another_is_open() {
    let bundle = bundle_streaming(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
    let alex = bundle.channel().add_person("Alex");
    let busy = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("140");
    bundle.channel().fail_on(Operation::Send, Fault::Status(busy));
    let activity = bundle.channel().message(&alex, "tell me");
    bundle.receive(activity.clone()).await;
    bundle.step("turns").await;
    bundle.clock().advance(seconds(135));
    let worker = &bundle.local().functions.worker;
    let key = worker.parts().references.key(&reference_of(&activity));
    let other = JobId::of_delivery("another", bundle.clock().now(), "answer");
    assert!(worker.parts().streams.begin(&key, &other, bundle.clock().now()).await.unwrap());

    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), [STATUS, "Two laptops."]);
    assert!(shown(&bundle).iter().all(|entry| info(entry, "streamType").is_null()));
    bundle.end().await;
}
