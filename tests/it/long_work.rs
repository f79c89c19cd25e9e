//! Tasks that continue after seconds or weeks: on time, once, and until they are cancelled.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::{Engine, EngineError, Progress, Response, Task, TaskResponse, TaskRun, Turn};
use herald::clock::Clock;
use herald::jobs::FailureKind;
use herald::jobs::{Job, JobId, State};
use herald::protocol::activity::Activity;
use local::channel_emulator::{Fault, Refusal};
use local::fault_injection::RequestFate;
use local::poller::Step;
use serde_json::{Value, json};
use support::TestBundle;
use support::steps_engine::{StepsEngine, bundle_with, continue_after, done, memory, send};
use worker::MessageContext;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Returns the steps of an order that is delivered after `after`.
fn delivery(after: Duration) -> Vec<herald::agent::TaskResponse> {
    vec![continue_after(&["Placed."], json!({ "placed": 1 }), after), done("Delivered.")]
}

/// Records body and delay of each message to the tasks queue from now on.
fn queued(bundle: &TestBundle) -> Arc<Mutex<Vec<(String, u64)>>> {
    let queued = Arc::new(Mutex::new(Vec::new()));
    let notes = queued.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, request: &[u8]| {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let is_task = request["QueueUrl"].as_str().is_some_and(|url| url.ends_with("tasks"));
        let messages = match operation {
            "AmazonSQS.SendMessage" if is_task => vec![request],
            "AmazonSQS.SendMessageBatch" if is_task => request["Entries"].as_array().unwrap().clone(),
            _ => Vec::new(),
        };
        for message in messages {
            let body = message["MessageBody"].as_str().unwrap().to_owned();
            notes.lock().unwrap().push((body, message["DelaySeconds"].as_u64().unwrap_or_default()));
        }
    }));
    queued
}

fn refuse(bundle: &TestBundle, refused: &'static str) {
    let hook = move |operation: &str| match !refused.is_empty() && operation.contains(refused) {
        true => RequestFate::Refuse,
        false => RequestFate::Pass,
    };
    bundle.local().stack.on_request(Arc::new(hook));
}

async fn step_of(bundle: &TestBundle, task: &JobId, number: u32) -> Job {
    bundle.job(&task.task_step(number)).await.unwrap()
}

#[tokio::test]
async fn step_due_in_three_weeks_runs_on_time_and_not_a_second_early() {
    let (bundle, engine) = bundle_with(delivery(21 * DAY)).await;
    send(&bundle, "start").await;
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
    assert_eq!(engine.steps_run(), [(0, None), (1, Some(json!({ "placed": 1 })))]);
    assert_eq!(
        step_of(&bundle, &engine.task(), 1).await.state,
        State::Sent,
        "it counts from when it was due"
    );
    assert_eq!(memory(&bundle).await.waiting, []);
    bundle.end().await;
}

#[tokio::test]
async fn step_due_within_three_minutes_waits_as_delayed_message() {
    let (bundle, _engine) = bundle_with(delivery(Duration::from_millis(90_400))).await;
    send(&bundle, "start").await;
    let queued = queued(&bundle);

    bundle.drain().await;

    let delays: Vec<u64> = queued.lock().unwrap().iter().map(|(_, delay)| *delay).collect();
    assert_eq!(delays, [0, 91], "the task at once, its step when it is due");
    assert_eq!(bundle.tick().await["queued"], 0);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    bundle.end().await;
}

#[tokio::test]
async fn missed_ticks_delay_a_step_and_crashed_ticks_do_not_repeat_it() {
    let (bundle, engine) = bundle_with(delivery(60 * MINUTE)).await;
    bundle.tick().await;
    send(&bundle, "start").await;
    bundle.drain().await;

    bundle.clock().advance(100 * MINUTE);
    refuse(&bundle, "BatchWriteItem");
    let died = bundle.try_tick().await;
    refuse(&bundle, "");
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert!(died.is_err(), "it queued the step and could not delete the timer");
    assert_eq!(moved["queued"], 1);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    assert_eq!(engine.steps_run().len(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn redelivered_step_is_acknowledged_after_a_later_step() {
    let steps = vec![
        continue_after(&[], json!(1), MINUTE),
        continue_after(&[], json!(2), MINUTE),
        done("Delivered."),
    ];
    let (bundle, engine) = bundle_with(steps).await;
    let queued = queued(&bundle);
    send(&bundle, "start").await;
    bundle.drain().await;

    let bodies: Vec<String> = queued.lock().unwrap().iter().map(|(body, _)| body.clone()).collect();
    for body in &bodies {
        assert!(bundle.local().functions.worker.handle(body, MessageContext::default()).await.is_ok());
    }
    bundle.drain().await;

    assert_eq!(bodies.len(), 3);
    assert_eq!(engine.steps_run(), [(0, None), (1, Some(json!(1))), (2, Some(json!(2)))]);
    assert_eq!(bundle.channel().texts(), ["On it.", "Delivered."]);
    bundle.end().await;
}

#[tokio::test]
async fn waiting_task_cancelled_by_user_never_runs() {
    let (bundle, engine) = bundle_with(delivery(2 * DAY)).await;
    send(&bundle, "start").await;
    bundle.drain().await;
    let listed = memory(&bundle).await;
    bundle.clock().advance(DAY);

    send(&bundle, "cancel").await;
    bundle.drain().await;
    send(&bundle, "cancel").await;
    bundle.drain().await;
    bundle.clock().advance(DAY);
    let moved = bundle.tick().await;
    bundle.drain().await;

    assert_eq!((listed.waiting[0].label.as_str(), &listed.waiting[0].task), ("a laptop", &engine.task_id()));
    assert_eq!(moved["queued"], 1, "its timer still becomes due");
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Cancelled: a laptop.", "Nothing waits."]);
    let step = step_of(&bundle, &engine.task(), 1).await;
    assert_eq!((step.state, step.failure()), (State::Cancelled, Some(&FailureKind::CancelledByUser.into())));
    assert_eq!(engine.steps_run().len(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn task_cancelled_during_a_step_does_not_continue() {
    let clock = TestBundle::clock_at_start();
    let engine = StepsEngine::with_steps(delivery(2 * DAY), clock.clone()).after(Duration::from_secs(5));
    let engine = Arc::new(engine);
    let bundle = TestBundle::with_shared(engine.clone(), clock.clone()).await;
    send(&bundle, "start").await;
    bundle.step("turns").await;

    tokio::join!(bundle.step("tasks"), async {
        clock.sleeping(Duration::from_secs(5)).await;
        send(&bundle, "cancel that").await;
        bundle.step("turns").await;
        clock.advance(Duration::from_secs(5));
    });
    bundle.drain().await;
    bundle.clock().advance(2 * DAY);
    let moved = bundle.tick().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Cancelled.", "Placed."]);
    assert_eq!(moved["queued"], 0);
    assert_eq!(
        step_of(&bundle, &engine.task(), 1).await.failure(),
        Some(&FailureKind::CancelledByUser.into())
    );
    assert_eq!(memory(&bundle).await.waiting, []);
    bundle.end().await;
}

#[tokio::test]
async fn step_with_too_large_state_ends_with_apology() {
    let (bundle, engine) =
        bundle_with(vec![continue_after(&["Placed."], json!("x".repeat(64 * 1024)), MINUTE)]).await;

    send(&bundle, "start").await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Sorry, that did not work. Please try again later."]);
    let job = step_of(&bundle, &engine.task(), 0).await;
    assert_eq!((job.state, job.failure()), (State::Failed, Some(&FailureKind::StateTooLarge.into())));
    bundle.end().await;
}

#[tokio::test]
async fn thousandth_step_is_the_last() {
    let (bundle, engine) = bundle_with(vec![continue_after(&[], json!(null), MINUTE)]).await;
    let queued = queued(&bundle);
    send(&bundle, "start").await;
    bundle.step("turns").await;
    let mut body: Value = serde_json::from_str(&queued.lock().unwrap()[0].0).unwrap();
    let task: JobId = serde_json::from_value(body["job"].take()).unwrap();
    body["job"] = json!(task.task_step(999));
    body["step"] = json!({ "task": task, "number": 999, "state": null, "due": "2026-11-22T09:00:00Z" });
    bundle.purge("tasks").await;

    let done = bundle.local().functions.worker.handle(&body.to_string(), MessageContext::default()).await;

    assert!(done.is_ok());
    assert_eq!(engine.steps_run(), [(999, Some(json!(null)))]);
    assert_eq!(bundle.channel().texts(), ["On it.", "Sorry, that did not work. Please try again later."]);
    let job = step_of(&bundle, &task, 999).await;
    assert_eq!((job.state, job.failure()), (State::Failed, Some(&FailureKind::TooManySteps.into())));
    bundle.end().await;
}

#[tokio::test]
async fn planned_step_is_queued_without_calling_the_engine_again() {
    let (bundle, engine) = bundle_with(delivery(MINUTE)).await;
    send(&bundle, "start").await;
    bundle.step("turns").await;

    refuse(&bundle, "SendMessage");
    let Step::Returned { receipt } = bundle.step("tasks").await else {
        panic!("the message was not returned")
    };
    let waiting = memory(&bundle).await.waiting.len();
    refuse(&bundle, "");
    bundle.make_visible("tasks", &receipt).await;
    bundle.drain().await;

    assert_eq!(waiting, 1);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered."]);
    assert_eq!(engine.steps_run().len(), 2, "each step ran once");
    bundle.end().await;
}

#[tokio::test]
async fn plan_larger_than_an_item_is_stored_in_parts_and_replayed() {
    let card = |number: usize| {
        let content = json!({ "type": "AdaptiveCard", "version": "1.5", "fallbackText": "é".repeat(10_000) });
        let card = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": content });
        Activity {
            attachments: serde_json::from_value(json!([card])).unwrap(),
            ..Activity::message(format!("{number}"))
        }
    };
    let (bundle, engine) = bundle_with(vec![TaskResponse::done((0..25).map(card))]).await;
    send(&bundle, "start").await;
    bundle.step("turns").await;
    bundle.channel().fail(Fault::Status(Refusal::new(429, "Throttled", "Slow down.").retry_after("2")));

    let Step::Returned { receipt } = bundle.step("tasks").await else {
        panic!("the message was not returned")
    };
    let planned = bundle.job(&engine.task()).await.unwrap();
    bundle.make_visible("tasks", &receipt).await;
    bundle.drain_with_time(Duration::from_secs(5)).await;

    let plan = planned.plan.expect("the plan is read with its job");
    let stored = plan.stored.expect("the plan is too large for its job");
    assert_eq!((plan.sends.len(), stored.parts), (25, 2));
    assert_eq!(engine.steps_run().len(), 1, "the plan is replayed");
    let mut shown: Vec<usize> =
        bundle.channel().texts().iter().filter_map(|text| text.parse().ok()).collect();
    shown.sort_unstable();
    assert_eq!(shown, (0..25).collect::<Vec<_>>());
    assert_eq!(bundle.job(&engine.task()).await.unwrap().state, State::Sent);
    bundle.end().await;
}

/// An engine of which some call never returns.
struct HangingEngine {
    hangs_in_turn: bool,
}

#[async_trait]
impl Engine for HangingEngine {
    async fn on_activity(&self, _turn: &Turn) -> Result<Response, EngineError> {
        if self.hangs_in_turn {
            return pending().await;
        }
        Ok(Response::defer(Activity::message("On it."), Task::new("work")))
    }

    async fn run_task(&self, _run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        pending().await
    }
}

#[tokio::test]
async fn hanging_engine_is_cancelled_before_its_function_ends_three_times_and_apologized_for() {
    for hangs_in_turn in [false, true] {
        let clock = TestBundle::clock_at_start();
        let bundle = TestBundle::with_shared(Arc::new(HangingEngine { hangs_in_turn }), clock.clone()).await;
        let queued = queued(&bundle);
        let alex = bundle.channel().add_person("Alex");
        bundle.send(&alex, "start").await;
        tokio::select! {
            biased;
            _ = bundle.step("turns") => {}
            () = async {
                clock.sleeping(Duration::from_secs(5)).await;
                clock.advance(Duration::from_secs(5));
                pending().await
            } => {}
        }
        let body = queued.lock().unwrap()[0].0.clone();
        bundle.purge("tasks").await;

        let mut results = Vec::new();
        for _ in 0..3 {
            let left = Duration::from_secs(870);
            let context =
                MessageContext { engine_until: Some(clock.now() + left), ..MessageContext::default() };
            let worker = &bundle.local().functions.worker;
            let (result, ()) = tokio::join!(worker.handle(&body, context), async {
                clock.sleeping(left).await;
                clock.advance(left);
            });
            results.push(result.is_ok());
        }

        assert_eq!(results, [false, false, true], "{hangs_in_turn}");
        let apology = "Sorry, that did not work. Please try again later.";
        assert_eq!(bundle.channel().texts().len(), 2, "an ack and an apology");
        assert_eq!(bundle.channel().texts()[1], apology);
        let failed = bundle.jobs().await.into_iter().find(|job| job.state == State::Failed).unwrap();
        assert_eq!(failed.failure(), Some(&FailureKind::EngineGaveUp.into()));
        bundle.end().await;
    }
}
