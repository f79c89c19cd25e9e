//! The release binaries as Lambda runs them: one process each, with an emulated Runtime API, services and channel.
//! Checks that they start and work; other tests cover their behaviour.

mod figures;

use std::process::Stdio;

use herald::aws::diagnostics::{Finding, Outcome, Report};
use local::aws_emulator::Delays;
use serde_json::json;
use support::Services;
use support::function::{binary, in_time};
use tokio::process::Command;

use self::figures::{STARTS, report};

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p herald-inbound -p herald-worker -p herald-proactive"]
async fn release_binaries_answer_follow_up_and_send_proactively() {
    let services = Services::start(Delays::Skipped).await;
    let alex = services.channel.add_person("Alex");
    let mut inbound = services.launch("inbound").await;
    let mut worker = services.launch("worker").await;
    let mut proactive = services.launch("proactive").await;

    let accepted = inbound.handle(services.request(&alex, "order a laptop")).await;
    assert_eq!(accepted["statusCode"], 202);
    services.deliver("TurnsQueue", &mut worker).await;
    let acknowledged = services.channel.texts();
    services.deliver("TasksQueue", &mut worker).await;
    let followed_up = services.channel.entries().pop().unwrap();
    let planned = proactive.handle(services.schedule_event()).await;
    services.deliver("DeliveriesQueue", &mut worker).await;

    assert_eq!(acknowledged, ["On it: I am ordering a laptop. I will tell you here when it is placed."]);
    let card = &followed_up.activity["attachments"][0]["contentType"];
    assert_eq!(card, "application/vnd.microsoft.card.adaptive");
    assert_eq!((&planned["recipients"], &planned["unreadable"]), (&json!(1), &json!(0)));
    let texts = services.channel.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[1].ends_with("is placed: a laptop."), "{texts:?}");
    assert!(texts[2].starts_with("Good morning!"), "{texts:?}");
    for queue in ["TurnsQueue", "TasksQueue", "DeliveriesQueue"] {
        assert_eq!(services.receive(queue).await, [], "{queue}");
    }
}

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p herald-inbound -p herald-worker -p herald-proactive"]
async fn release_worker_runs_its_diagnostics() {
    let services = Services::start(Delays::Skipped).await;
    let mut worker = services.launch("worker").await;

    let answer = worker.handle(json!({ "herald": "self-check", "version": 1 })).await;

    let report: Report = serde_json::from_value(answer).unwrap();
    let passed = |finding: &Finding| matches!(finding.outcome, Outcome::Passed(_));
    assert!(report.findings.len() >= 10 && report.findings.iter().all(passed), "{report:#?}");
}

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p herald-inbound -p herald-worker -p herald-proactive"]
async fn release_binary_without_configuration_names_every_problem() {
    let shared = ["CLIENT_ID", "TABLE_NAME"];
    let functions: [(&str, &[&str]); 3] = [
        ("inbound", &["TENANT_ID", "TURNS_QUEUE_URL", "TASKS_QUEUE_URL"]),
        (
            "worker",
            &["TENANT_ID", "CLIENT_SECRET_ARN", "TURNS_QUEUE_URL", "TASKS_QUEUE_URL", "DELIVERIES_QUEUE_URL"],
        ),
        ("proactive", &["DELIVERIES_QUEUE_URL"]),
    ];
    for (function, own) in functions {
        let mut command = Command::new(binary(function));
        let run = command.env_clear().stdin(Stdio::null()).kill_on_drop(true).output();
        let ended = in_time(run).await.unwrap();

        assert!(!ended.status.success(), "{function} ended well");
        let stderr = String::from_utf8(ended.stderr).unwrap();
        for name in shared.iter().chain(own) {
            assert!(
                stderr.contains(&format!("{name} is not set")),
                "{function} does not name {name}: {stderr}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p herald-inbound -p herald-worker -p herald-proactive"]
async fn release_binaries_report_cold_start_cost() {
    let services = Services::start(Delays::Skipped).await;
    let alex = services.channel.add_person("Alex");
    let mut figures = [const { Vec::new() }; 3];

    for _ in 0..STARTS {
        let order = services.request(&alex, "order a laptop");
        let (accepted, of_inbound) = services.launch("inbound").await.measure(order).await;
        assert_eq!(accepted["statusCode"], 202);
        let turns = services.receive("TurnsQueue").await;
        let turn = services.event("TurnsQueue", &turns);
        let (worked, of_worker) = services.launch("worker").await.measure(turn).await;
        assert_eq!(worked, json!({ "batchItemFailures": [] }));
        let (planned, of_proactive) =
            services.launch("proactive").await.measure(services.schedule_event()).await;
        assert_eq!(planned["recipients"], 1);
        services.delete("TurnsQueue", &turns).await;
        for queue in ["TasksQueue", "DeliveriesQueue"] {
            services.delete(queue, &services.receive(queue).await).await;
        }
        for (all, figure) in figures.iter_mut().zip([of_inbound, of_worker, of_proactive]) {
            all.push(figure);
        }
    }

    assert_eq!(services.channel.texts().len(), STARTS);
    let report = report(&figures);
    #[expect(clippy::print_stdout, reason = "the report is what this is run for")]
    {
        println!("\n{report}");
    }
}
