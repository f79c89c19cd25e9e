//! Tasks that wait for a signal: resumed once, by their signal or their deadline, and until they are cancelled.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use herald::agent::{
    Effect, EngineError, Response, ResumedBy, SignalData, SignalKey, SignalSource, TaskResponse, TaskRun,
    Turn,
};
use herald::aws::queue::{SignalEvent, SignalWork, WorkMessage};
use herald::clock::Clock;
use herald::jobs::signal::Payload;
use herald::jobs::{Cancel, CancelledBy, FailureKind, State};
use herald::protocol::activity::Activity;
use herald::protocol::ids::TenantId;
use jiff::{SignedDuration, Timestamp};
use local::fault_injection::RequestFate;
use local::poller::Step;
use serde_json::{Value, json};
use support::TestBundle;
use support::steps_engine::{alex, memory, send};
use support::task_engine::TaskEngine;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const START: &str = "2026-11-22T09:00:00Z";
const APOLOGY: &str = "Sorry, that did not work. Please try again later.";

fn after(wait: Duration) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::try_from(wait).unwrap()
}

fn key(key: &str) -> SignalKey {
    SignalKey::new(key).unwrap()
}

/// Returns the response of a run: it waits for the signal that the input of the task names, then sends what resumed it.
fn wait_then_answer(run: &TaskRun, until: Timestamp) -> TaskResponse {
    let text = match &run.resumed_by {
        None => {
            let order = run.task.input.0.as_str().unwrap_or_default();
            return TaskResponse::wait_for(
                key(order),
                until,
                json!({ "order": 1 }),
                [Activity::message("Placed.")],
            );
        }
        Some(ResumedBy::Signal { data, .. }) => {
            format!("Delivered: {}.", data.0["parcel"].as_str().unwrap_or("?"))
        }
        Some(ResumedBy::Deadline) => "Not delivered in time.".to_owned(),
        Some(ResumedBy::Undeliverable) => "Undeliverable.".to_owned(),
    };
    TaskResponse::done([Activity::message(text)])
}

/// Returns an engine whose tasks wait until `until`; “signal X” sends the signal X, “cancel” cancels the waiting task.
fn engine(until: Timestamp) -> TaskEngine {
    TaskEngine::new(move |run: &TaskRun| Box::pin(async move { Ok(wait_then_answer(run, until)) }))
        .answering(answer)
}

fn answer(turn: &Turn) -> Option<Response> {
    let text = turn.text();
    if let Some(order) = text.strip_prefix("signal ") {
        let data = SignalData(json!({ "parcel": "from the engine" }));
        return Some(Response::reply("Sent.").with_effect(Effect::Signal { key: key(order), data }));
    }
    (text == "cancel").then(|| match turn.memory.waiting.first() {
        Some(waiting) => {
            Response::reply("Cancelled.").with_effect(Effect::CancelTask { task: waiting.step.clone() })
        }
        None => Response::reply("Nothing waits."),
    })
}

/// Starts a bundle whose tasks wait for two weeks.
async fn start() -> (TestBundle, Arc<TaskEngine>) {
    engine(after(14 * DAY)).start().await
}

fn signal(bundle: &TestBundle, order: &str, parcel: &str) -> WorkMessage {
    signal_in(bundle, None, order, parcel)
}

fn signal_in(bundle: &TestBundle, tenant: Option<&str>, order: &str, parcel: &str) -> WorkMessage {
    let payload = Payload {
        id: format!("signal {parcel}"),
        data: SignalData(json!({ "parcel": parcel })),
        from: SignalSource::Event,
        at: bundle.clock().now(),
    };
    let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
    WorkMessage::Signal(SignalWork { key: key(order), tenant, event: SignalEvent::Sent(payload) })
}

async fn queue(bundle: &TestBundle, work: &WorkMessage) {
    let tasks = &bundle.local().functions.worker.parts().tasks;
    tasks.send_delayed(work, Duration::ZERO).await.unwrap();
}

/// Sends a signal and works until the queues are empty.
async fn deliver(bundle: &TestBundle, order: &str, parcel: &str) {
    queue(bundle, &signal(bundle, order, parcel)).await;
    bundle.drain().await;
}

/// Works on what is due by now.
async fn tick(bundle: &TestBundle) {
    bundle.tick().await;
    bundle.clock().advance(4 * MINUTE);
    bundle.drain().await;
}

/// Records the writes of the table from now on, by the kind of their record.
fn writes(bundle: &TestBundle) -> Arc<Mutex<Vec<String>>> {
    let writes = Arc::new(Mutex::new(Vec::new()));
    let noted = writes.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, request: &[u8]| {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        if let Some(key) = request["Item"]["pk"]["S"].as_str().filter(|_| operation.ends_with(".PutItem")) {
            noted.lock().unwrap().push(key.split('#').next().unwrap_or_default().to_owned());
        }
    }));
    writes
}

fn refuse(bundle: &TestBundle, refused: &'static str) {
    let hook = move |operation: &str| match !refused.is_empty() && operation.contains(refused) {
        true => RequestFate::Refuse,
        false => RequestFate::Pass,
    };
    bundle.local().stack.on_request(Arc::new(hook));
}

#[tokio::test]
async fn signal_resumes_its_task_once_and_waiting_takes_two_writes() {
    let (bundle, engine) = start().await;
    let written = writes(&bundle);
    send(&bundle, "order-1").await;
    bundle.drain().await;
    let waiting = written.lock().unwrap().clone();
    bundle.clock().advance(10 * DAY);
    let listed = memory(&bundle).await.waiting;

    deliver(&bundle, "order-1", "4711").await;
    deliver(&bundle, "order-1", "4712").await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered: 4711."]);
    let of = |kind: &str| waiting.iter().filter(|written| *written == kind).count();
    assert_eq!((of("signal"), of("timer")), (1, 1));
    let runs = engine.runs();
    let resumed_by: Vec<_> = runs.iter().map(|run| run.resumed_by.clone()).collect();
    let (data, at) = (SignalData(json!({ "parcel": "4711" })), after(10 * DAY));
    assert_eq!(resumed_by, [None, Some(ResumedBy::Signal { data, from: SignalSource::Event, at })]);
    assert_eq!((runs[1].number, &runs[1].state), (1, &Some(json!({ "order": 1 }))));
    assert_eq!((listed.len(), listed[0].due), (1, after(14 * DAY)));
    assert_eq!(memory(&bundle).await.waiting, []);
    let first = bundle.job(&engine.task()).await.unwrap();
    assert_eq!((first.waits_for.unwrap().signal, first.expires_at), (key("order-1"), after(14 * DAY)));
    let resumed = bundle.job(&engine.task().task_step(1)).await.unwrap();
    assert_eq!(
        resumed.resumed_by.unwrap().without_data(),
        runs[1].resumed_by.clone().unwrap().without_data()
    );
    assert_eq!(resumed.state, State::Sent, "it expires a day after it was resumed");
    // The deadline has no effect any more.
    bundle.clock().advance(5 * DAY);
    tick(&bundle).await;
    assert_eq!(engine.runs().len(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn deadline_resumes_a_task_on_time_and_a_later_signal_does_nothing() {
    let (bundle, engine) = start().await;
    send(&bundle, "order-1").await;
    bundle.drain().await;

    bundle.clock().advance(14 * DAY - 3 * MINUTE - Duration::from_secs(1));
    let early = bundle.tick().await;
    bundle.clock().advance(Duration::from_secs(1));
    let due = bundle.tick().await;
    bundle.clock().advance(3 * MINUTE);
    bundle.drain().await;
    deliver(&bundle, "order-1", "4711").await;

    assert_eq!((&early["queued"], &due["queued"]), (&json!(0), &json!(1)));
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Not delivered in time."]);
    assert_eq!(engine.runs()[1].resumed_by, Some(ResumedBy::Deadline));
    assert_eq!(engine.runs().len(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn signal_and_deadline_at_one_moment_resume_the_task_once() {
    for is_signal_first in [true, false] {
        let (bundle, engine) = start().await;
        send(&bundle, "order-1").await;
        bundle.drain().await;
        bundle.clock().advance(14 * DAY);
        if is_signal_first {
            queue(&bundle, &signal(&bundle, "order-1", "4711")).await;
            bundle.tick().await;
        } else {
            bundle.tick().await;
            queue(&bundle, &signal(&bundle, "order-1", "4711")).await;
        }

        bundle.drain().await;

        let last = if is_signal_first { "Delivered: 4711." } else { "Not delivered in time." };
        assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", last]);
        assert_eq!(engine.runs().len(), 2);
        bundle.end().await;
    }
}

#[tokio::test]
async fn signal_before_its_task_is_kept_for_30_days() {
    for (wait, last) in [(29 * DAY, "Delivered: 4711."), (31 * DAY, "Not delivered in time.")] {
        let (bundle, engine) = engine(after(40 * DAY)).start().await;
        deliver(&bundle, "order-1", "4711").await;
        deliver(&bundle, "order-1", "4712").await;
        bundle.clock().advance(wait);

        send(&bundle, "order-1").await;
        bundle.drain().await;
        bundle.clock().advance(40 * DAY - wait);
        tick(&bundle).await;

        assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", last]);
        assert_eq!(engine.runs().len(), 2);
        bundle.end().await;
    }
}

#[tokio::test]
async fn key_has_one_task_and_a_second_one_ends_with_an_apology() {
    let (bundle, engine) = start().await;
    for _ in 0..2 {
        send(&bundle, "order-1").await;
        bundle.drain().await;
    }
    deliver(&bundle, "order-1", "4711").await;
    send(&bundle, "order-1").await;
    bundle.drain().await;

    let refused = ["On it.", "Placed.", APOLOGY];
    let texts = [&["On it.", "Placed."], &refused[..], &["Delivered: 4711."], &refused].concat();
    assert_eq!(bundle.channel().texts(), texts);
    let runs = engine.runs();
    for run in [&runs[1], &runs[3]] {
        let job = bundle.job(&herald::jobs::JobId::of_task(&run.idempotency_key)).await.unwrap();
        assert_eq!((job.state, job.failure()), (State::Failed, Some(&FailureKind::SignalTaken.into())));
    }
    assert_eq!(memory(&bundle).await.waiting, []);
    bundle.end().await;
}

#[tokio::test]
async fn deadline_must_be_in_the_future_and_within_a_year() {
    for (until, is_valid) in
        [(after(Duration::ZERO), false), (after(365 * DAY), true), (after(367 * DAY), false)]
    {
        let (bundle, engine) = engine(until).start().await;

        send(&bundle, "order-1").await;
        bundle.drain().await;

        let job = bundle.job(&engine.task()).await.unwrap();
        let expected = if is_valid { "Placed." } else { APOLOGY };
        assert_eq!(bundle.channel().texts(), ["On it.", expected], "{until}");
        let failure = (!is_valid).then(|| FailureKind::InvalidDeadline.into());
        assert_eq!(job.failure(), failure.as_ref());
        bundle.end().await;
    }
}

#[tokio::test]
async fn task_cancelled_while_it_waits_is_never_resumed() {
    for is_user in [true, false] {
        let (bundle, engine) = start().await;
        send(&bundle, "order-1").await;
        bundle.drain().await;

        if is_user {
            send(&bundle, "cancel").await;
            bundle.drain().await;
        } else {
            let (jobs, now) = (&bundle.local().functions.worker.parts().jobs, bundle.clock().now());
            let cancelled = jobs.cancel_task(&engine.task(), CancelledBy::Operator, now).await.unwrap();
            assert!(matches!(cancelled, Some(Cancel::Cancelled(_))), "{cancelled:?}");
        }
        deliver(&bundle, "order-1", "4711").await;
        bundle.clock().advance(14 * DAY);
        tick(&bundle).await;

        let step = bundle.job(&engine.task().task_step(1)).await.unwrap();
        assert_eq!((engine.runs().len(), step.state), (1, State::Cancelled));
        let expected: &[&str] =
            if is_user { &["On it.", "Placed.", "Cancelled."] } else { &["On it.", "Placed."] };
        assert_eq!(bundle.channel().texts(), expected);
        assert_eq!(memory(&bundle).await.waiting, []);
        bundle.end().await;
    }
}

#[tokio::test]
async fn every_attempt_of_the_resumed_run_sees_the_same() {
    let failures = Arc::new(Mutex::new(2));
    let until = after(14 * DAY);
    let (bundle, engine) = TaskEngine::new(move |run: &TaskRun| {
        let failures = failures.clone();
        Box::pin(async move {
            let mut left = failures.lock().unwrap();
            if run.number == 1 && *left > 0 {
                *left -= 1;
                return Err(EngineError::from("the worker stumbles"));
            }
            Ok(wait_then_answer(run, until))
        })
    })
    .start()
    .await;
    send(&bundle, "order-1").await;
    bundle.drain().await;
    bundle.clock().advance(14 * DAY);
    queue(&bundle, &signal(&bundle, "order-1", "4711")).await;
    bundle.tick().await;

    bundle.drain_with_time(Duration::from_secs(300)).await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered: 4711."]);
    let runs = engine.runs();
    assert_eq!(runs.len(), 4);
    assert!(runs[1].resumed_by.is_some() && runs[1..].iter().all(|run| run.resumed_by == runs[1].resumed_by));
    bundle.end().await;
}

#[tokio::test]
async fn signal_of_the_engine_reaches_its_tenant_and_no_other() {
    let (bundle, engine) = start().await;
    send(&bundle, "order-1").await;
    bundle.drain().await;

    queue(&bundle, &signal_in(&bundle, Some("another tenant"), "order-1", "4711")).await;
    bundle.drain().await;
    let before = engine.runs().len();
    send(&bundle, "signal order-1").await;
    bundle.drain().await;

    assert_eq!(before, 1);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Sent.", "Delivered: from the engine."]);
    let from = engine.runs()[1].resumed_by.clone().map(|by| by.to_string());
    assert_eq!(from.as_deref(), Some("signal of the engine"));
    bundle.end().await;
}

#[tokio::test]
async fn resumed_run_reads_its_reference_anew() {
    let (bundle, engine) = start().await;
    send(&bundle, "order-1").await;
    bundle.drain().await;
    bundle.clock().advance(MINUTE);
    let mut later = bundle.channel().message(&alex(&bundle), "signal other");
    later["locale"] = json!("de-CH");
    bundle.receive(later).await;
    bundle.drain().await;

    deliver(&bundle, "order-1", "4711").await;

    let locales: Vec<_> = engine.runs().iter().map(|run| run.reference.locale.clone()).collect();
    assert_ne!(locales[0].as_deref(), Some("de-CH"));
    assert_eq!(locales[1].as_deref(), Some("de-CH"));
    assert_eq!(engine.runs()[1].reference.user, engine.runs()[0].reference.user);
    bundle.end().await;
}

#[tokio::test]
async fn run_that_could_not_be_queued_is_queued_with_the_redelivered_signal() {
    let (bundle, engine) = start().await;
    send(&bundle, "order-1").await;
    bundle.drain().await;
    queue(&bundle, &signal(&bundle, "order-1", "4711")).await;

    refuse(&bundle, "SendMessage");
    let Step::Returned { receipt } = bundle.step("tasks").await else {
        panic!("the message was not returned")
    };
    refuse(&bundle, "");
    let before = engine.runs().len();
    bundle.make_visible("tasks", &receipt).await;
    bundle.drain().await;

    assert_eq!(before, 1);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed.", "Delivered: 4711."]);
    assert_eq!(engine.runs().len(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn event_of_proactive_resumes_its_task() {
    let (bundle, engine) = start().await;
    for order in ["order-1", "order-2"] {
        send(&bundle, order).await;
        bundle.drain().await;
    }
    let event =
        |order: &str| json!({ "version": 1, "signal": { "key": order, "data": { "parcel": order } } });
    let envelope =
        json!({ "detail-type": "delivered", "source": "shop", "id": "e-1", "detail": event("order-2") });

    let answer = bundle.local().fire(event("order-1")).await.unwrap();
    let repeated = [bundle.local().fire(envelope.clone()).await, bundle.local().fire(envelope).await];
    bundle.drain().await;
    let refused = bundle.local().fire(json!({ "version": 1, "signal": { "key": "" } })).await.unwrap_err();

    assert_eq!(answer["queued"], true);
    assert_eq!(repeated.map(|answer| answer.unwrap()["signal"].clone()), ["e-1", "e-1"]);
    assert!(refused.to_string().contains("`signal.key`"), "{refused}");
    assert_eq!(bundle.channel().texts()[4..], ["Delivered: order-1.", "Delivered: order-2."]);
    assert_eq!(engine.runs().len(), 4);
    bundle.end().await;
}

#[tokio::test]
async fn waiting_tasks_make_no_request_and_each_signal_resumes_its_own() {
    let tasks = 30;
    let (bundle, engine) = start().await;
    for number in 0..tasks {
        send(&bundle, &format!("order-{number}")).await;
        bundle.drain().await;
    }
    let written = writes(&bundle);
    bundle.clock().advance(10 * DAY);
    bundle.drain().await;
    let while_waiting = written.lock().unwrap().len();

    for number in 0..tasks {
        queue(&bundle, &signal(&bundle, &format!("order-{number}"), &number.to_string())).await;
    }
    let mut steps = 0;
    while bundle.step("tasks").await != Step::Idle {
        steps += 1;
    }

    assert_eq!((while_waiting, steps), (0, 2 * tasks), "each signal and each run once");
    let texts = bundle.channel().texts();
    let resumed: std::collections::BTreeSet<_> =
        texts.iter().filter(|text| text.starts_with("Delivered: ")).collect();
    assert_eq!((resumed.len(), texts.len(), engine.runs().len()), (tasks, 3 * tasks, 2 * tasks));
    bundle.end().await;
}
