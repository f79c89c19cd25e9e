//! The self-checks of deployed workers, and failed invocations.

use herald::aws::config::Credential;
use herald::aws::diagnostics;
use herald::aws::diagnostics::{Outcome, QueueKind};
use herald::aws::queue::Queue;
use local::channel_emulator::FederatedCredential;
use serde_json::{Value, json};
use support::account::Function;
use support::{ScriptedEngine, TestBundle};

use super::Operator;
use crate::golden::{Times, assert_golden};

const SUBJECT: &str = "arn:aws:iam::000000000000:role/herald-worker";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Returns a deployment with a federated credential whose registration trusts `subject`.
async fn federated(subject: &str) -> Operator {
    let bundle = TestBundle::with_credential(ScriptedEngine::replying("Hello."), Credential::Federated).await;
    bundle.channel().add_federated_credential(FederatedCredential {
        issuer: bundle.local().stack.identity().issuer().to_owned(),
        subject: subject.to_owned(),
        audience: AUDIENCE.to_owned(),
    });
    let worker = bundle.local().functions.worker.clone();
    let mut operator = Operator::of(bundle).await;
    operator.set("CREDENTIAL", "federated");
    operator.unset("CLIENT_SECRET");
    operator.account.add_function("herald-WorkerTurns-1", Function::Worker(worker));
    operator.workers = vec!["herald-WorkerTurns-1".to_owned()];
    operator
}

async fn assert_invocation_fails(function: Function, cause: &str, fix: &str) {
    let mut operator = Operator::open().await;
    operator.account.add_function("herald-WorkerTurns-1", function);
    operator.workers = vec!["herald-WorkerTurns-1".to_owned()];

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("self-check", cause, fix);
    operator.close().await;
}

#[tokio::test]
async fn self_check_of_a_worker_is_printed_and_changes_nothing() {
    let operator = federated(SUBJECT).await;

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_no_failure();
    assert_golden("doctor/worker.txt", &diagnosis.text, Times::Compared);
    assert!(operator.bundle.items().await.is_empty(), "nothing was written");
    assert!(operator.bundle.channel().entries().is_empty(), "nothing was sent");
    operator.close().await;
}

#[tokio::test]
async fn untrusted_role_is_found() {
    let operator = federated("arn:aws:iam::000000000000:role/another").await;

    let diagnosis = operator.diagnose().await;

    let fix = format!("subject {SUBJECT}, audience {AUDIENCE}");
    diagnosis.assert_one_failed("federated trust", "AADSTS700213: unexpected subject", &fix);
    operator.close().await;
}

#[tokio::test]
async fn account_without_outbound_federation_is_found() {
    let operator = federated(SUBJECT).await;
    operator.bundle.local().stack.identity().switch_off();

    let diagnosis = operator.diagnose().await;

    let fix = "aws iam enable-outbound-web-identity-federation";
    diagnosis.assert_one_failed("federated trust", "AWS issued no identity token", fix);
    operator.close().await;
}

#[tokio::test]
async fn worker_is_checked_without_other_configuration() {
    let mut operator = federated(SUBJECT).await;
    operator.vars.clear();

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_no_failure();
    assert!(!diagnosis.text.contains("This machine"), "{}", diagnosis.text);
    operator.close().await;
}

#[tokio::test]
async fn worker_checks_only_its_own_queue() {
    let operator = Operator::open().await;
    let sqs = aws_sdk_sqs::Client::new(&operator.account.sdk_config());
    let resources = &operator.bundle.local().resources;
    let [turns, tasks, deliveries] =
        [&resources.turns, &resources.tasks, &resources.deliveries].map(|url| Queue::new(sqs.clone(), url));
    let queues =
        [(&turns, QueueKind::Turns), (&tasks, QueueKind::Tasks), (&deliveries, QueueKind::Deliveries)];

    for other in ["herald-tasks", "herald-deliveries"] {
        operator.account.deny("AmazonSQS.GetQueueAttributes", other);
    }
    let of_turns = diagnostics::own_queue(queues).await;
    operator.account.deny("AmazonSQS.GetQueueAttributes", "herald-turns");
    let with_none = diagnostics::own_queue(queues).await;

    assert!(matches!(of_turns[0].outcome, Outcome::Passed(_)), "{of_turns:?}");
    assert!(of_turns[1..].iter().all(|it| matches!(it.outcome, Outcome::Skipped(_))), "{of_turns:?}");
    assert!(with_none.len() == 1 && with_none[0].has_failed(), "{with_none:?}");
    operator.close().await;
}

#[tokio::test]
async fn missing_function_is_found() {
    let mut operator = Operator::open().await;
    operator.workers = vec!["elsewhere".to_owned()];

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed(
        "self-check",
        "function `elsewhere` is not in us-east-1",
        "WorkerTurnsFunction",
    );
    operator.close().await;
}

#[tokio::test]
async fn denied_or_throttled_invocation_is_found() {
    assert_invocation_fails(
        Function::Refused(403, "AccessDeniedException"),
        "AccessDeniedException",
        "allow lambda:InvokeFunction on function `herald-WorkerTurns-1`",
    )
    .await;
    assert_invocation_fails(
        Function::Refused(429, "TooManyRequestsException"),
        "throttles the function",
        "raise the concurrency",
    )
    .await;
}

#[tokio::test]
async fn failed_function_is_reported_by_its_error() {
    let failed =
        |kind: &str, message: &str| Function::Fails(json!({ "errorType": kind, "errorMessage": message }));

    assert_invocation_fails(
        failed("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: exit status 1"),
        "Runtime.ExitError",
        "aws logs tail /aws/lambda/herald-WorkerTurns-1",
    )
    .await;
    assert_invocation_fails(
        failed("Sandbox.Timedout", "Task timed out after 60.00 seconds"),
        "timed out",
        "NAT",
    )
    .await;
    assert_invocation_fails(failed("serde", "missing field `Records`"), "`Records`", "deploy this version")
        .await;
}

#[tokio::test]
async fn function_that_is_no_worker_is_found() {
    assert_invocation_fails(
        Function::Answers(json!({ "statusCode": 404 })),
        "not a self-check",
        "WorkerTasksFunction",
    )
    .await;
    let newer = json!({ "version": 2, "findings": Vec::<Value>::new() });
    assert_invocation_fails(Function::Answers(newer), "version 2", "the deployed version").await;
}
