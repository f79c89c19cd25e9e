//! Durable steps of a task: done once in all attempts of a run, with one write each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use herald::agent::{EngineError, FinalError, TaskResponse, TaskRun};
use herald::jobs::{FailureKind, State};
use herald::protocol::activity::Activity;
use local::fault_injection::RequestFate;
use serde_json::{Value, json};
use support::TestBundle;
use support::steps_engine::send;
use support::task_engine::TaskEngine;

const APOLOGY: &str = "Sorry, that did not work. Please try again later.";

/// Counts the requests to the table that touch a step, and all others of its operations.
fn requests_for_steps(bundle: &TestBundle) -> Arc<[AtomicUsize; 2]> {
    let counts: Arc<[AtomicUsize; 2]> = Arc::default();
    let counted = counts.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, request: &[u8]| {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        if request["Item"]["sk"]["S"].as_str().is_some_and(|key| key.starts_with("step#")) {
            counted[0].fetch_add(1, Ordering::Relaxed);
        }
        if operation.ends_with(".Query") {
            counted[1].fetch_add(1, Ordering::Relaxed);
        }
    }));
    counts
}

fn done(text: impl Into<String>) -> Result<TaskResponse, EngineError> {
    Ok(TaskResponse::done([Activity::message(text)]))
}

/// Drains the queues while the waits of retries pass.
async fn drain(bundle: &TestBundle) {
    bundle.drain_with_time(std::time::Duration::from_secs(30)).await;
}

#[tokio::test]
async fn step_is_done_once_in_all_attempts_of_its_run() {
    let placed = Arc::new(AtomicUsize::new(0));
    let counted = placed.clone();
    let (bundle, engine) = TaskEngine::new(move |run: &TaskRun| {
        let placed = counted.clone();
        Box::pin(async move {
            let place = || async { Ok(placed.fetch_add(1, Ordering::Relaxed) + 4711) };
            let number = run.step("place", place).await?;
            if run.step_key("place") == run.step_key("pay") || placed.load(Ordering::Relaxed) == 0 {
                return Err("impossible".into());
            }
            let paid = run.step("pay", || async { Ok("in full".to_owned()) }).await?;
            // The first attempt fails after its steps.
            static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
            match ATTEMPTS.fetch_add(1, Ordering::Relaxed) {
                0 => Err("the worker stumbles".into()),
                _ => done(format!("Order #{number}, paid {paid}.")),
            }
        })
    })
    .start()
    .await;
    let requests = requests_for_steps(&bundle);

    send(&bundle, "order").await;
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Order #4711, paid in full."]);
    assert_eq!(placed.load(Ordering::Relaxed), 1);
    let runs = engine.runs();
    assert_eq!((runs.len(), runs[0].step_key("place")), (2, runs[1].step_key("place")));
    let [written, queried] = [&requests[0], &requests[1]].map(|count| count.load(Ordering::Relaxed));
    assert_eq!((written, queried), (2, 1), "one write for each step, and one read of the repeated run");
    bundle.end().await;
}

#[tokio::test]
async fn task_without_steps_pays_nothing_for_them() {
    let (bundle, _engine) = TaskEngine::new(|_| Box::pin(async { done("Done.") })).start().await;
    let requests = requests_for_steps(&bundle);

    send(&bundle, "order").await;
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Done."]);
    assert_eq!([0, 1].map(|kind| requests[kind].load(Ordering::Relaxed)), [0, 0]);
    bundle.end().await;
}

#[tokio::test]
async fn only_a_final_error_of_a_step_is_stored() {
    static TRIES: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let (bundle, engine) = TaskEngine::new(|run: &TaskRun| {
        Box::pin(async {
            let flaky = || async {
                match TRIES[0].fetch_add(1, Ordering::Relaxed) {
                    0 => Err(EngineError::from("the shop is closed")),
                    _ => Ok(1),
                }
            };
            let refused = || async {
                TRIES[1].fetch_add(1, Ordering::Relaxed);
                Err::<u32, EngineError>(FinalError::new("out of stock").into())
            };
            let error = match run.step("place", refused).await {
                Ok(_) => return Err("impossible".into()),
                Err(error) => error,
            };
            let reason = error.downcast::<FinalError>()?;
            let _: u32 = run.step("ask", flaky).await?;
            done(format!("Not placed: {reason}."))
        })
    })
    .start()
    .await;

    send(&bundle, "order").await;
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Not placed: out of stock."]);
    assert_eq!(engine.runs().len(), 2);
    assert_eq!([0, 1].map(|step| TRIES[step].load(Ordering::Relaxed)), [2, 1]);
    bundle.end().await;
}

#[tokio::test]
async fn changed_type_of_a_step_ends_the_task_with_an_apology() {
    static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
    static ERRORS: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let (bundle, engine) = TaskEngine::new(|run: &TaskRun| {
        Box::pin(async {
            if ATTEMPTS.fetch_add(1, Ordering::Relaxed) == 0 {
                run.step("place", || async { Ok(json!({ "number": 4711 })) }).await?;
                return Err("a new version is deployed".into());
            }
            let place = run.step("place", || async { Ok(4711) }).await;
            place
                .map(|_| TaskResponse::done([]))
                .inspect_err(|error| ERRORS.lock().unwrap().push(error.to_string()))
        })
    })
    .start()
    .await;

    send(&bundle, "order").await;
    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["On it.", APOLOGY]);
    assert!(ERRORS.lock().unwrap()[0].contains("stored result of step `place` has another type"));
    let job = bundle.job(&engine.task()).await.unwrap();
    assert_eq!((job.state, job.failure()), (State::Failed, Some(&FailureKind::EngineGaveUp.into())));
    bundle.end().await;
}

#[tokio::test]
async fn result_outlives_a_short_outage_of_the_table() {
    let placed = Arc::new(AtomicUsize::new(0));
    let counted = placed.clone();
    let (bundle, engine) = TaskEngine::new(move |run: &TaskRun| {
        let placed = counted.clone();
        Box::pin(async move {
            let place = || async { Ok(placed.fetch_add(1, Ordering::Relaxed)) };
            run.step("place", place).await?;
            done("Placed.")
        })
    })
    .start()
    .await;
    send(&bundle, "order").await;
    bundle.step("turns").await;
    let refused = Arc::new(AtomicUsize::new(0));
    let puts = AtomicUsize::new(0);
    let count = refused.clone();
    // The first put of the task is its claim; the two after it are those of the step.
    bundle.local().stack.on_request(Arc::new(move |operation: &str| {
        let is_put = operation.ends_with(".PutItem");
        match is_put && (1..3).contains(&puts.fetch_add(usize::from(is_put), Ordering::Relaxed)) {
            true => {
                count.fetch_add(1, Ordering::Relaxed);
                RequestFate::Refuse
            }
            false => RequestFate::Pass,
        }
    }));

    drain(&bundle).await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Placed."]);
    assert_eq!((placed.load(Ordering::Relaxed), engine.runs().len()), (1, 1));
    assert!(refused.load(Ordering::Relaxed) > 0);
    bundle.end().await;
}
