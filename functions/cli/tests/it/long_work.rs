//! What an operator sees of tasks that go on in steps, and how one is cancelled.

use std::time::Duration;

use herald::jobs::Job;
use serde_json::json;
use support::clerk::{done, go_on, memory, say, with};

use crate::commands;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn the_operator_cancels_a_waiting_task_by_the_id_of_any_of_its_steps() {
    let (bundle, clerk) =
        with(vec![go_on(&["Placed."], json!({ "placed": 1 }), 2 * DAY), done("Delivered.")]).await;
    say(&bundle, "start").await;
    bundle.drain().await;
    let task = clerk.task();

    let shown = commands::say(&bundle, &format!("job show {task}")).await;
    let said = commands::say(&bundle, &format!("job cancel {task}")).await;
    let again = commands::say(&bundle, &format!("job cancel {task}")).await;
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
    let of_turn = commands::say(&bundle, &format!("job show {}", turn.id)).await;
    let of_step = commands::say(&bundle, &format!("job show {}", clerk.task().task_step(1))).await;

    assert_eq!(of_turn.text.matches("\n    then ").count(), 2, "{}", of_turn.text);
    assert_eq!(of_step.text.matches("\n  then ").count(), 1, "{}", of_step.text);
    assert!(!of_turn.text.contains("Soon") && !of_turn.text.contains("laptop"));
    bundle.end().await;
}
