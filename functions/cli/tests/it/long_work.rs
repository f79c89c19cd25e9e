//! Tasks with several steps, as an operator inspects and cancels them.

use std::time::Duration;

use serde_json::json;
use support::steps_engine::{bundle_with, continue_after, done, memory, send};

use crate::commands;
use crate::golden::{Times, assert_golden};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn waiting_task_is_cancelled_by_the_id_of_any_step() {
    let (bundle, engine) =
        bundle_with(vec![continue_after(&["Placed."], json!({ "placed": 1 }), 2 * DAY), done("Delivered.")])
            .await;
    send(&bundle, "start").await;
    bundle.drain().await;
    let task = engine.task();

    let shown = commands::execute(&bundle, &format!("job show {task}")).await;
    let cancelled = commands::execute(&bundle, &format!("job cancel {task}")).await;
    let again = commands::execute(&bundle, &format!("job cancel {task}")).await;
    bundle.clock().advance(2 * DAY);
    bundle.tick().await;
    bundle.drain().await;

    assert!(cancelled.is_done && !again.is_done);
    assert_golden("job/show-waiting-task.txt", &shown.text, Times::Compared);
    assert_golden("job/cancel-waiting-task.txt", &cancelled.text, Times::Compared);
    assert_golden("job/cancel-twice.txt", &again.text, Times::Compared);
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed."]);
    assert_eq!(memory(&bundle).await.waiting, [], "removed from the list once its timer was due");
    bundle.end().await;
}

#[tokio::test]
async fn job_tree_contains_all_steps_of_a_task() {
    let steps = vec![
        continue_after(&[], json!(1), MINUTE),
        continue_after(&["Soon."], json!(2), MINUTE),
        done("Delivered."),
    ];
    let (bundle, engine) = bundle_with(steps).await;
    send(&bundle, "start").await;
    bundle.drain().await;

    let jobs = bundle.jobs().await;
    let turn = jobs.iter().find(|job| job.id.part(herald::jobs::Part::Task, 0) == engine.task()).unwrap();
    let of_turn = commands::execute(&bundle, &format!("job show {}", turn.id)).await;
    let of_step = commands::execute(&bundle, &format!("job show {}", engine.task().task_step(1))).await;

    assert_golden("job/show-turn-with-steps.txt", &of_turn.text, Times::Compared);
    assert_golden("job/show-step.txt", &of_step.text, Times::Compared);
    assert!(!of_turn.text.contains("Soon") && !of_turn.text.contains("laptop"));
    bundle.end().await;
}
