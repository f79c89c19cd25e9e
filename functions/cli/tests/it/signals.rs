//! Signals, as an operator sends and lists them.

use std::time::Duration;

use herald::agent::{ResumedBy, SignalKey, TaskResponse, TaskRun};
use herald::protocol::activity::Activity;
use jiff::Timestamp;
use serde_json::{Value, json};
use support::TestBundle;
use support::steps_engine::send;
use support::task_engine::TaskEngine;

use crate::commands;

/// Starts a bundle whose tasks wait for the signal of their input.
async fn start() -> (TestBundle, std::sync::Arc<TaskEngine>) {
    let until: Timestamp = "2026-12-06T09:00:00Z".parse().unwrap();
    TaskEngine::new(move |run: &TaskRun| {
        Box::pin(async move {
            let order = run.task.input.0.as_str().unwrap_or_default();
            Ok(match &run.resumed_by {
                None => TaskResponse::wait_for(SignalKey::new(order)?, until, Value::Null, []),
                Some(ResumedBy::Signal { data, .. }) => {
                    TaskResponse::done([Activity::message(data.0["parcel"].to_string())])
                }
                Some(ResumedBy::Deadline | ResumedBy::Undeliverable) => TaskResponse::done([]),
            })
        })
    })
    .start()
    .await
}

#[tokio::test]
async fn signal_is_delivered_once_or_kept() {
    let (bundle, engine) = start().await;
    send(&bundle, "order-1").await;
    bundle.drain().await;
    let task = engine.task();

    let shown = commands::execute(&bundle, &format!("job show {task}")).await;
    let json = commands::execute(&bundle, &format!("job show {task} --json")).await;
    let listed = commands::execute(&bundle, "signal list").await;
    let delivered = commands::execute(&bundle, r#"signal order-1 --data {"parcel":4711}"#).await;
    bundle.drain().await;
    let again = commands::execute(&bundle, "signal order-1").await;
    let kept = commands::execute(&bundle, "signal order-2 --data 1").await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.drain().await;
    let listed_later = commands::execute(&bundle, "signal list").await;
    let resumed = commands::execute(&bundle, &format!("job show {task}")).await;

    assert!(
        shown.text.contains("\n  waits for signal order-1 until 2026-12-06T09:00:00Z\n"),
        "{}",
        shown.text
    );
    let json: Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(json["waits_for"], json!({ "signal": "order-1", "until": "2026-12-06T09:00:00Z" }));
    assert!(
        listed.text.starts_with(&format!(
            "1 signal\n  order-1  awaited until 2026-12-06T09:00:00Z by job {task}  ("
        )),
        "{}",
        listed.text
    );
    assert_eq!(
        (delivered.is_done, delivered.text),
        (true, format!("Delivered: resumes the task that waits since job {task}.\n"))
    );
    assert_eq!(bundle.channel().texts(), ["On it.", "4711"]);
    assert!(!again.is_done && again.text.starts_with("AlreadyDelivered"), "{}", again.text);
    assert!(kept.is_done && kept.text.starts_with("NoWaiter"), "{}", kept.text);
    assert!(
        listed_later.text.starts_with("1 signal\n  order-2  sent 2026-11-22T09:"),
        "{}",
        listed_later.text
    );
    assert!(listed_later.text.contains("kept until 2026-12-22T09:"), "{}", listed_later.text);
    assert!(!resumed.text.contains("waits for"), "{}", resumed.text);
    assert!(resumed.text.contains("resumed by signal of an operator"), "{}", resumed.text);
    bundle.end().await;
}

#[tokio::test]
async fn waiting_task_is_cancelled_by_the_id_of_its_task() {
    let (bundle, engine) = start().await;
    send(&bundle, "order-1").await;
    bundle.drain().await;

    let cancelled = commands::execute(&bundle, &format!("job cancel {}", engine.task())).await;
    let again = commands::execute(&bundle, &format!("job cancel {}", engine.task())).await;
    commands::execute(&bundle, "signal order-1").await;
    bundle.drain().await;
    let shown = commands::execute(&bundle, &format!("job show {}", engine.task())).await;

    assert!(cancelled.is_done && !again.is_done, "{}{}", cancelled.text, again.text);
    assert!(shown.text.contains("CANCELLED") && !shown.text.contains("waits for"), "{}", shown.text);
    assert_eq!(engine.runs().len(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn invalid_signal_is_refused_before_it_is_queued() {
    let (bundle, _engine) = start().await;
    let data = format!("\"{}\"", "x".repeat(64 * 1024));

    let large = commands::try_execute_args(&bundle, &["signal", "order-1", "--data", &data]).await;
    let tenant = commands::try_execute_args(&bundle, &["signal", "order-1", "--tenant", ""]).await;

    assert!(
        large.err().unwrap().to_string().contains("`--data`: the data of a signal is at most 65536 bytes")
    );
    assert!(tenant.err().unwrap().to_string().contains("`--tenant`"));
    bundle.end().await;
}
