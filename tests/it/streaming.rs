//! Answers that are shown while they are made: paced, kept alive, closed in time, stopped, and whole in the end.
//! A crash at each point of one is another story's; a thousand engines are the shared stream's own.

use herald::agent::Response;
use herald::agent::{Task, TaskResponse};
use std::sync::Arc;
use std::time::Duration;

use herald::clock::Clock;
use herald::jobs::{Job, JobId, State};
use herald::protocol::activity::Activity;
use jiff::SignedDuration;
use local::channel_emulator::{Effect, Fault, Operation, Refusal, TranscriptEntry};
use local::poller::Step;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

use crate::statuses::reference_of;

const STATUS: &str = "Looking…";

/// Longer than anything sleeps in these stories, so that time passes by itself.
const FLOW: Duration = Duration::from_secs(60);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A bundle whose engine says these words, each after its pause, and comes to `answer`.
async fn telling(words: &[(Duration, &'static str)], answer: TaskResponse) -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::streaming(STATUS, words, answer, clock.clone());
    TestBundle::with_shared(Arc::new(engine), clock).await
}

fn done(text: &str) -> TaskResponse {
    TaskResponse::done([Activity::message(text)])
}

/// Alex asks, and all that follows is done while time passes.
async fn ask(bundle: &TestBundle) {
    let alex = bundle.channel().add_person("Alex");
    bundle.receive(bundle.channel().message(&alex, "tell me")).await;
    drain(bundle).await;
}

async fn drain(bundle: &TestBundle) {
    bundle.drain_in_time(FLOW).await;
}

/// What the channel was asked to show, in order.
fn told(bundle: &TestBundle) -> Vec<TranscriptEntry> {
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
async fn an_answer_grows_in_one_message_and_ends_whole() {
    let words = [(seconds(2), "Two "), (seconds(2), "laptops "), (seconds(2), "are left.")];
    let bundle = telling(&words, done("Two laptops are left.")).await;

    ask(&bundle).await;

    let told = told(&bundle);
    let texts: Vec<&str> = told.iter().filter_map(|entry| entry.activity["text"].as_str()).collect();
    assert_eq!(texts.first(), Some(&STATUS), "{texts:?}");
    assert_eq!(texts.last(), Some(&"Two laptops are left."), "{texts:?}");
    assert!(texts.contains(&"Two "), "{texts:?}");
    let kinds: Vec<_> = told.iter().map(|entry| info(entry, "streamType")).collect();
    assert_eq!(
        (&kinds[0], &kinds[1], kinds.last()),
        (&json!("informative"), &json!("streaming"), Some(&json!("final")))
    );
    let ids: Vec<_> = told.iter().map(|entry| entry.activity_id.clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(gaps(&told).iter().all(|gap| *gap >= SignedDuration::from_secs(1)), "{:?}", gaps(&told));
    assert_eq!(bundle.channel().texts(), ["Two laptops are left."]);
    bundle.end().await;
}

#[tokio::test]
async fn long_silence_is_broken_and_a_long_answer_is_closed_in_time_and_follows_in_its_place() {
    let words =
        [(seconds(5), "Two "), (seconds(50), "laptops "), (seconds(50), "are "), (seconds(50), "left.")];
    let bundle = telling(&words, done("Two laptops are left.")).await;

    ask(&bundle).await;

    let told = told(&bundle);
    let close = told.iter().position(|entry| info(entry, "streamType") == "final").unwrap();
    let age = told[close].at.duration_since(told[0].at);
    assert!(age <= SignedDuration::from_secs(105), "{age:?}");
    let gaps = gaps(&told[..=close]);
    assert!(gaps.iter().all(|gap| *gap <= SignedDuration::from_secs(35)), "{gaps:?}");
    assert_eq!(
        told[close].activity["text"],
        "Two laptops \n\nThis takes longer. The answer will follow here."
    );
    let last = told.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("Two laptops are left.")));
    assert_eq!(last.activity_id, told[0].activity_id);
    assert_eq!(info(last, "streamType"), json!(null));
    bundle.end().await;
}

#[tokio::test]
async fn what_a_person_stops_is_dropped_without_a_word() {
    let words = [(seconds(2), "Two "), (seconds(2), "laptops "), (seconds(30), "are left.")];
    let bundle = telling(&words, done("Two laptops are left.")).await;
    let alex = bundle.channel().add_person("Alex");
    let conversation = bundle.channel().personal_conversation(&alex);
    bundle.receive(bundle.channel().message(&alex, "tell me")).await;
    bundle.step("turns").await;

    bundle.channel().stop_stream(&conversation);
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), [""; 0]);
    let jobs = bundle.jobs().await;
    assert!(jobs.iter().any(|job| job.contains("\"kind\":\"stopped\"")), "{jobs:?}");
    bundle.end().await;
}

#[tokio::test]
async fn in_a_group_the_status_and_the_answer_are_messages() {
    let bundle = telling(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
    let alex = bundle.channel().add_person("Alex");
    let channel = bundle.channel().add_channel("Sales", "General");

    bundle.receive(bundle.channel().mention(&alex, &channel, "tell me")).await;
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), [STATUS, "Two laptops."]);
    assert!(told(&bundle).iter().all(|entry| info(entry, "streamType").is_null()));
    bundle.end().await;
}

#[tokio::test]
async fn a_second_answer_is_not_streamed_while_the_first_one_is() {
    let bundle = telling(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
    let alex = bundle.channel().add_person("Alex");
    for text in ["tell me", "tell me more"] {
        bundle.receive(bundle.channel().message(&alex, text)).await;
        bundle.step("turns").await;
    }

    drain(&bundle).await;
    bundle.receive(bundle.channel().message(&alex, "and again")).await;
    drain(&bundle).await;

    let streams: std::collections::HashSet<_> = told(&bundle)
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
async fn an_answer_that_differs_from_what_was_told_takes_its_place() {
    let bundle = telling(&[(seconds(2), "Perhaps"), (seconds(3), " two.")], done("There are three.")).await;

    ask(&bundle).await;

    let told = told(&bundle);
    let last = told.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("There are three.")));
    assert_eq!(last.activity_id, told[0].activity_id);
    assert_eq!(bundle.channel().texts(), ["Perhaps", "There are three."]);
    bundle.end().await;
}

#[tokio::test]
async fn what_was_told_stays_before_an_engines_word_that_it_failed() {
    let answer = TaskResponse::failed(Activity::message("The shop is closed."));
    let bundle = telling(&[(seconds(2), "Two "), (seconds(3), "laptops")], answer).await;

    ask(&bundle).await;

    let texts = bundle.channel().texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("Two ") && texts[0].ends_with("\n\nThe shop is closed."), "{texts:?}");
    bundle.end().await;
}

#[tokio::test]
async fn an_answer_follows_although_the_engine_failed_after_its_stream_was_closed() {
    let clock = TestBundle::clock_at_start();
    let words = [(seconds(5), "Two "), (seconds(50), "laptops "), (seconds(55), "are left.")];
    let engine = ScriptedEngine::streaming(STATUS, &words, done("Two laptops are left."), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine.breaking_off_first(1)), clock).await;

    ask(&bundle).await;

    let told = told(&bundle);
    let last = told.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("Two laptops are left.")));
    assert_eq!(last.activity_id, told[0].activity_id);
    bundle.end().await;
}

#[tokio::test]
async fn each_way_in_which_a_stream_is_refused_leaves_the_whole_answer_once() {
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
        let words = [(seconds(2), "Two "), (seconds(3), "laptops.")];
        let bundle = telling(&words, done("Two laptops.")).await;
        let alex = bundle.channel().add_person("Alex");
        bundle.receive(bundle.channel().message(&alex, "tell me")).await;
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
async fn a_text_that_no_activity_holds_is_streamed_and_goes_on_in_messages() {
    let long: &'static str = Box::leak("A word. ".repeat(10_000).into_boxed_str());
    let words = [(seconds(2), long)];
    let bundle = telling(&words, done(long)).await;

    ask(&bundle).await;

    let texts = bundle.channel().texts();
    assert!(texts.len() > 5, "{}", texts.len());
    assert_eq!(texts.concat(), long);
    bundle.end().await;
}

#[tokio::test]
async fn a_slow_engine_is_seen_to_type_until_it_answers() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::saying("Hello.").after(seconds(4), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock).await;

    ask(&bundle).await;

    let told = told(&bundle);
    let kinds: Vec<_> = told.iter().filter_map(|entry| entry.activity["type"].as_str()).collect();
    assert_eq!(kinds, ["typing", "typing", "message"]);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn in_copilot_it_is_seen_to_type_sooner() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::saying("Hello.").after(Duration::from_millis(2_500), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock).await;
    let alex = bundle.channel().add_person("Alex");
    let mut activity = bundle.channel().message(&alex, "tell me");
    activity["entities"] = json!([{ "type": "ProductInfo", "id": "COPILOT" }]);

    bundle.receive(activity).await;
    drain(&bundle).await;

    let told = told(&bundle);
    let kinds: Vec<_> = told.iter().filter_map(|entry| entry.activity["type"].as_str()).collect();
    assert_eq!(kinds, ["typing", "typing", "typing", "message"]);
    bundle.end().await;
}

#[tokio::test]
async fn whoever_wants_replies_at_once_gets_the_status_of_a_streamed_answer() {
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
async fn a_stream_whose_task_fails_for_good_ends_with_an_apology() {
    let clock = TestBundle::clock_at_start();
    let response = Response::stream(STATUS, Task::new("unknown"));
    let bundle = TestBundle::with_shared(Arc::new(ScriptedEngine::deciding(response)), clock).await;

    ask(&bundle).await;

    let apology = bundle.local().bundle.worker.parts().engine.failure_notice().text.unwrap();
    assert_eq!(bundle.channel().texts(), [apology]);
    let states: Vec<String> = bundle.jobs().await;
    assert!(states.iter().any(|job| job.contains("engine-gave-up")), "{:?}", State::Failed);
    bundle.end().await;
}

#[tokio::test]
async fn a_stream_is_closed_before_it_is_silent_for_too_long_while_its_task_runs_again() {
    let clock = TestBundle::clock_at_start();
    let words = [(seconds(5), "Two "), (seconds(50), "laptops.")];
    let engine = ScriptedEngine::streaming(STATUS, &words, done("Two laptops."), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine.breaking_off_first(1)), clock).await;

    ask(&bundle).await;

    let told = told(&bundle);
    let close = told.iter().position(|entry| info(entry, "streamType") == "final").unwrap();
    let gaps = gaps(&told[..=close]);
    assert!(gaps.iter().all(|gap| *gap <= SignedDuration::from_secs(35)), "{gaps:?}");
    let last = told.last().unwrap();
    assert_eq!((last.effect, &last.activity["text"]), (Effect::Updated, &json!("Two laptops.")));
    assert!(last.at.duration_since(told[close].at) > SignedDuration::from_secs(10), "it was still made");
    bundle.end().await;
}

#[tokio::test]
async fn a_stream_that_shows_more_than_is_known_of_it_ends_with_its_answer() {
    let clock = TestBundle::clock_at_start();
    let words = [(seconds(5), "Two "), (seconds(50), "laptops.")];
    let engine = ScriptedEngine::streaming(STATUS, &words, done("Two laptops."), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine.breaking_off_first(1)), clock).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.receive(bundle.channel().message(&alex, "tell me")).await;
    bundle.step("turns").await;
    let left = tokio::select! {
        biased;
        left = bundle.step("tasks") => left,
        () = bundle.clock().flow(FLOW) => panic!("it takes too long"),
    };
    let Step::Returned { receipt } = left else { panic!("it is left") };
    // As a worker leaves it that died before it kept what it had told.
    let jobs = bundle.jobs().await;
    let mut job: Job = jobs.iter().map(|job| serde_json::from_str(job).unwrap()).find(has_told).unwrap();
    job.stream.as_mut().unwrap().sent_text.clear();
    bundle.local().bundle.worker.parts().jobs.write(job).await.unwrap().unwrap();
    bundle.bring_back("tasks", &receipt).await;

    drain(&bundle).await;

    let entries = bundle.channel().entries();
    let ends = entries.iter().filter(|entry| info(entry, "streamType") == "final");
    let ends: Vec<_> = ends.map(|entry| (entry.effect, entry.activity["text"] == "Two laptops.")).collect();
    assert_eq!(ends, [(Effect::Refused, false), (Effect::Sent, true)]);
    assert_eq!(bundle.channel().texts(), ["Two laptops."]);
    bundle.end().await;
}

fn has_told(job: &Job) -> bool {
    job.stream.as_ref().is_some_and(|stream| !stream.sent_text.is_empty())
}

#[tokio::test]
async fn a_stream_that_was_refused_is_answered_and_keeps_no_other_from_beginning() {
    // At once, or after a reply that does not say whether it was begun.
    for statuses in [[405].as_slice(), &[500, 405]] {
        let bundle = telling(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
        let alex = bundle.channel().add_person("Alex");
        for status in statuses {
            bundle.channel().fail_on(Operation::Send, Fault::Status(Refusal::raw(*status, "")));
        }
        bundle.receive(bundle.channel().message(&alex, "tell me")).await;
        drain(&bundle).await;

        bundle.receive(bundle.channel().message(&alex, "tell me more")).await;
        drain(&bundle).await;

        assert_eq!(bundle.channel().texts(), [STATUS, "Two laptops.", "Two laptops."], "{statuses:?}");
        assert_eq!(info(told(&bundle).last().unwrap(), "streamType"), "final", "{statuses:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn a_stream_that_was_put_off_is_not_begun_while_another_is_open() {
    let bundle = telling(&[(seconds(2), "Two laptops.")], done("Two laptops.")).await;
    let alex = bundle.channel().add_person("Alex");
    let busy = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("140");
    bundle.channel().fail_on(Operation::Send, Fault::Status(busy));
    let activity = bundle.channel().message(&alex, "tell me");
    bundle.receive(activity.clone()).await;
    bundle.step("turns").await;
    bundle.clock().advance(seconds(135));
    let worker = &bundle.local().bundle.worker;
    let key = worker.parts().references.key(&reference_of(&activity));
    let other = JobId::of_delivery("another", bundle.clock().now(), "answer");
    assert!(worker.parts().streams.begin(&key, &other, bundle.clock().now()).await.unwrap());

    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), [STATUS, "Two laptops."]);
    assert!(told(&bundle).iter().all(|entry| info(entry, "streamType").is_null()));
    bundle.end().await;
}
