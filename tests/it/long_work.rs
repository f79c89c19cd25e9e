//! Tasks that go on in seconds or in weeks: when, once, and until somebody cancels them.

pub(crate) mod clerk;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cli::channel::Person;
use cli::pump::Step;
use cli::wire::Fate;
use herald::agent::memory::Memory;
use herald::jobs::{FailureKind, Job, JobId, State};
use serde_json::{Value, json};
use support::TestBundle;
use worker::MessageContext;

use self::clerk::{Clerk, done, go_on};
use crate::operating;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A bundle whose clerk takes these steps, and the clerk.
pub(crate) async fn with(steps: Vec<herald::agent::engine::TaskOutcome>) -> (TestBundle, Arc<Clerk>) {
    let clock = TestBundle::clock_at_start();
    let clerk = Arc::new(Clerk::taking(steps, clock.clone()));
    (TestBundle::with_shared(clerk.clone(), clock).await, clerk)
}

/// A laptop that is delivered after `after`.
fn delivery(after: Duration) -> Vec<herald::agent::engine::TaskOutcome> {
    vec![go_on(&["Placed."], json!({ "placed": 1 }), after), done("Delivered.")]
}

/// The one who asks.
pub(crate) fn alex(bundle: &TestBundle) -> Person {
    let known = bundle.channel().people().into_iter().find(|person| person.name == "Alex");
    known.unwrap_or_else(|| bundle.channel().add_person("Alex"))
}

pub(crate) async fn say(bundle: &TestBundle, text: &str) {
    let alex = alex(bundle);
    bundle.receive(bundle.channel().message(&alex, text)).await;
}

/// What is kept of the only conversation.
pub(crate) async fn memory(bundle: &TestBundle) -> Memory {
    let items = bundle.items().await;
    let memory = items.iter().find_map(|item| item.get("memory")?.as_s().ok());
    memory.map(|memory| serde_json::from_str(memory).unwrap()).unwrap_or_default()
}

/// The bodies and delays of what is put into the tasks queue from now on.
fn queued(bundle: &TestBundle) -> Arc<Mutex<Vec<(String, u64)>>> {
    let queued = Arc::new(Mutex::new(Vec::new()));
    let notes = queued.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, request: &[u8]| {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let is_task = request["QueueUrl"].as_str().is_some_and(|url| url.ends_with("tasks"));
        if operation == "AmazonSQS.SendMessage" && is_task {
            let body = request["MessageBody"].as_str().unwrap().to_owned();
            notes.lock().unwrap().push((body, request["DelaySeconds"].as_u64().unwrap_or_default()));
        }
    }));
    queued
}

fn refuse(bundle: &TestBundle, refused: &'static str) {
    let hook = move |operation: &str| match !refused.is_empty() && operation.contains(refused) {
        true => Fate::Refuse,
        false => Fate::Pass,
    };
    bundle.local().stack.on_request(Arc::new(hook));
}

async fn step_of(bundle: &TestBundle, task: &JobId, number: u32) -> Job {
    bundle.job(&task.task_step(number)).await.unwrap()
}

#[tokio::test]
async fn a_step_three_weeks_later_is_taken_on_the_day_and_not_a_second_early() {
    let (bundle, clerk) = with(delivery(21 * DAY)).await;
    say(&bundle, "start").await;
    bundle.drain().await;
    let queued = queued(&bundle);

    bundle.clock().advance(21 * DAY - 3 * MINUTE - Duration::from_secs(1));
    let early = bundle.tick().await;
    bundle.clock().advance(Duration::from_secs(1));
    let due = bundle.tick().await;
    bundle.clock().advance(3 * MINUTE);
    bundle.drain().await;

    assert_eq!((&early["queued"], &due["queued"]), (&json!(0), &json!(1)));
    assert_eq!(queued.lock().unwrap().iter().map(|(_, delay)| *delay).collect::<Vec<_>>(), [180]);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    assert_eq!(clerk.ran(), [(0, None), (1, Some(json!({ "placed": 1 })))]);
    assert_eq!(step_of(&bundle, &clerk.task(), 1).await.state, State::Sent, "it counts from when it was due");
    assert_eq!(memory(&bundle).await.waiting, []);
    bundle.end().await;
}

#[tokio::test]
async fn a_step_within_three_minutes_waits_the_rest_of_its_time_in_the_queue() {
    let (bundle, _clerk) = with(delivery(Duration::from_millis(90_400))).await;
    say(&bundle, "start").await;
    let queued = queued(&bundle);

    bundle.drain().await;

    let delays: Vec<u64> = queued.lock().unwrap().iter().map(|(_, delay)| *delay).collect();
    assert_eq!(delays, [0, 91], "the task at once, its step when it is due");
    assert_eq!(bundle.tick().await["queued"], 0);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    bundle.end().await;
}

#[tokio::test]
async fn ticks_that_were_missed_make_a_step_late_and_ticks_that_died_do_not_make_it_twice() {
    let (bundle, clerk) = with(delivery(60 * MINUTE)).await;
    bundle.tick().await;
    say(&bundle, "start").await;
    bundle.drain().await;

    bundle.clock().advance(100 * MINUTE);
    refuse(&bundle, "DeleteItem");
    let died = bundle.try_tick().await;
    refuse(&bundle, "");
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert!(died.is_err(), "it queued the step and could not take it off the agenda");
    assert_eq!(moved["queued"], 1);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    assert_eq!(clerk.ran().len(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn a_step_that_is_delivered_again_after_a_later_one_is_settled() {
    let steps = vec![go_on(&[], json!(1), MINUTE), go_on(&[], json!(2), MINUTE), done("Delivered.")];
    let (bundle, clerk) = with(steps).await;
    let queued = queued(&bundle);
    say(&bundle, "start").await;
    bundle.drain().await;

    let bodies: Vec<String> = queued.lock().unwrap().iter().map(|(body, _)| body.clone()).collect();
    for body in &bodies {
        assert!(bundle.local().bundle.worker.handle(body, MessageContext::default()).await.is_ok());
    }
    bundle.drain().await;

    assert_eq!(bodies.len(), 3);
    assert_eq!(clerk.ran(), [(0, None), (1, Some(json!(1))), (2, Some(json!(2)))]);
    assert_eq!(bundle.channel().texts(), ["On it.", "Delivered."]);
    bundle.end().await;
}

#[tokio::test]
async fn what_the_user_cancels_while_it_waits_never_comes() {
    let (bundle, clerk) = with(delivery(2 * DAY)).await;
    say(&bundle, "start").await;
    bundle.drain().await;
    let listed = memory(&bundle).await;
    bundle.clock().advance(DAY);

    say(&bundle, "cancel").await;
    bundle.drain().await;
    say(&bundle, "cancel").await;
    bundle.drain().await;
    bundle.clock().advance(DAY);
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert_eq!((listed.waiting[0].label.as_str(), &listed.waiting[0].task), ("a laptop", &clerk.task_id()));
    assert_eq!(moved["queued"], 1, "its item comes all the same");
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Cancelled: a laptop.", "Nothing waits."]);
    let step = step_of(&bundle, &clerk.task(), 1).await;
    assert_eq!((step.state, step.failure()), (State::Cancelled, Some(&FailureKind::CancelledByUser.into())));
    assert_eq!(clerk.ran().len(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn what_the_user_cancels_while_a_step_of_it_is_in_hand_does_not_go_on() {
    let clock = TestBundle::clock_at_start();
    let clerk = Clerk::taking(delivery(2 * DAY), clock.clone()).after(Duration::from_secs(5));
    let clerk = Arc::new(clerk);
    let bundle = TestBundle::with_shared(clerk.clone(), clock.clone()).await;
    say(&bundle, "start").await;
    bundle.step("turns").await;

    tokio::join!(bundle.step("tasks"), async {
        clock.sleeping(Duration::from_secs(5)).await;
        say(&bundle, "cancel that").await;
        bundle.step("turns").await;
        clock.advance(Duration::from_secs(5));
    });
    bundle.drain().await;
    bundle.clock().advance(2 * DAY);
    let moved = bundle.tick().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Cancelled.", "Placed."]);
    assert_eq!(moved["queued"], 0);
    assert_eq!(
        step_of(&bundle, &clerk.task(), 1).await.failure(),
        Some(&FailureKind::CancelledByUser.into())
    );
    assert_eq!(memory(&bundle).await.waiting, []);
    bundle.end().await;
}

#[tokio::test]
async fn the_operator_cancels_a_waiting_task_by_the_id_of_any_of_its_steps() {
    let (bundle, clerk) = with(delivery(2 * DAY)).await;
    say(&bundle, "start").await;
    bundle.drain().await;
    let task = clerk.task();

    let shown = operating::say(&bundle, &format!("job show {task}")).await;
    let said = operating::say(&bundle, &format!("job cancel {task}")).await;
    let again = operating::say(&bundle, &format!("job cancel {task}")).await;
    bundle.clock().advance(2 * DAY);
    bundle.tick().await;
    bundle.drain().await;

    let step = task.task_step(1);
    assert!(shown.text.contains(&format!("\n  then {step}\n    RETRY, attempts 0")), "{}", shown.text);
    assert!(shown.text.contains("RETRY    waits until 2026-11-24T09:00:00Z\n"), "{}", shown.text);
    assert!(said.did && said.text.contains("Cancelled: it is CANCELLED now."), "{}", said.text);
    assert!(!again.did && again.text.contains("it has ended, as CANCELLED"), "{}", again.text);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed."]);
    assert_eq!(memory(&bundle).await.waiting, [], "it is off the list once its item came");
    bundle.end().await;
}

#[tokio::test]
async fn the_story_of_a_query_goes_through_all_steps_of_its_task() {
    let steps = vec![go_on(&[], json!(1), MINUTE), go_on(&["Soon."], json!(2), MINUTE), done("Delivered.")];
    let (bundle, clerk) = with(steps).await;
    say(&bundle, "start").await;
    bundle.drain().await;

    let jobs: Vec<Job> = bundle.jobs().await.iter().map(|job| serde_json::from_str(job).unwrap()).collect();
    let turn = jobs.iter().find(|job| job.id.step("task", 0) == clerk.task()).unwrap();
    let of_turn = operating::say(&bundle, &format!("job show {}", turn.id)).await;
    let of_step = operating::say(&bundle, &format!("job show {}", clerk.task().task_step(1))).await;

    assert_eq!(of_turn.text.matches("\n    then ").count(), 2, "{}", of_turn.text);
    assert_eq!(of_step.text.matches("\n  then ").count(), 1, "{}", of_step.text);
    assert!(!of_turn.text.contains("Soon") && !of_turn.text.contains("laptop"));
    bundle.end().await;
}

#[tokio::test]
async fn a_step_that_leaves_too_much_ends_with_an_apology() {
    let (bundle, clerk) = with(vec![go_on(&["Placed."], json!("x".repeat(64 * 1024)), MINUTE)]).await;

    say(&bundle, "start").await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Sorry, that did not work. Please try again later."]);
    let job = step_of(&bundle, &clerk.task(), 0).await;
    assert_eq!((job.state, job.failure()), (State::Failed, Some(&FailureKind::StateTooLarge.into())));
    bundle.end().await;
}

#[tokio::test]
async fn the_thousandth_step_is_the_last() {
    let (bundle, clerk) = with(vec![go_on(&[], json!(null), MINUTE)]).await;
    let queued = queued(&bundle);
    say(&bundle, "start").await;
    bundle.step("turns").await;
    let mut body: Value = serde_json::from_str(&queued.lock().unwrap()[0].0).unwrap();
    let task: JobId = serde_json::from_value(body["job"].take()).unwrap();
    body["job"] = json!(task.task_step(999));
    body["step"] = json!({ "task": task, "number": 999, "state": null, "due": "2026-11-22T09:00:00Z" });
    bundle.purge("tasks").await;

    let done = bundle.local().bundle.worker.handle(&body.to_string(), MessageContext::default()).await;

    assert!(done.is_ok());
    assert_eq!(clerk.ran(), [(999, Some(json!(null)))]);
    assert_eq!(bundle.channel().texts(), ["On it.", "Sorry, that did not work. Please try again later."]);
    let job = step_of(&bundle, &task, 999).await;
    assert_eq!((job.state, job.failure()), (State::Failed, Some(&FailureKind::TooManySteps.into())));
    bundle.end().await;
}

#[tokio::test]
async fn a_step_decided_and_not_yet_queued_is_queued_without_asking_the_engine_again() {
    let (bundle, clerk) = with(delivery(MINUTE)).await;
    say(&bundle, "start").await;
    bundle.step("turns").await;

    refuse(&bundle, "SendMessage");
    let Step::Left { receipt } = bundle.step("tasks").await else { panic!("it is not settled") };
    let waiting = memory(&bundle).await.waiting.len();
    refuse(&bundle, "");
    bundle.bring_back("tasks", &receipt).await;
    bundle.drain().await;

    assert_eq!(waiting, 1);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    assert_eq!(clerk.ran().len(), 2, "each step ran once");
    bundle.end().await;
}
