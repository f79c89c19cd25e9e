//! Deployed workers that check themselves, and those that do not answer.

use herald::aws::config::Credential;
use herald::aws::diagnostics;
use herald::aws::diagnostics::{Outcome, QueueKind};
use herald::aws::queue::Queue;
use local::channel_emulator::FederatedCredential;
use serde_json::{Value, json};
use support::account::Function;
use support::{ScriptedEngine, TestBundle};

use super::Practice;

const SUBJECT: &str = "arn:aws:iam::000000000000:role/herald-worker";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A deployment whose worker has a federated identity, and whose registration trusts this subject.
async fn federated(subject: &str) -> Practice {
    let bundle = TestBundle::with_credential(ScriptedEngine::replying("Hello."), Credential::Federated).await;
    bundle.channel().add_federated_credential(FederatedCredential {
        issuer: bundle.local().stack.identity().issuer().to_owned(),
        subject: subject.to_owned(),
        audience: AUDIENCE.to_owned(),
    });
    let worker = bundle.local().bundle.worker.clone();
    let mut practice = Practice::of(bundle).await;
    practice.set("CREDENTIAL", "federated");
    practice.unset("CLIENT_SECRET");
    practice.account.add_function("herald-WorkerTurns-1", Function::Worker(worker));
    practice.workers = vec!["herald-WorkerTurns-1".to_owned()];
    practice
}

async fn assert_unanswered(function: Function, cause: &str, fix: &str) {
    let mut practice = Practice::open().await;
    practice.account.add_function("herald-WorkerTurns-1", function);
    practice.workers = vec!["herald-WorkerTurns-1".to_owned()];

    let examined = practice.examine().await;

    examined.assert_one_failed("self-check", cause, fix);
    practice.close().await;
}

#[tokio::test]
async fn a_worker_shows_what_its_role_can_do_and_leaves_nothing_behind() {
    let practice = federated(SUBJECT).await;

    let examined = practice.examine().await;

    examined.assert_all_holds();
    let text = &examined.text;
    assert!(text.contains("– federated trust: only a worker's role has it: ask one with --worker"), "{text}");
    let own = text.split("Worker herald-WorkerTurns-1, by itself").nth(1).unwrap();
    assert!(own.contains("✓ credential: federated"), "{own}");
    assert!(own.contains(&format!("subject {SUBJECT}, audience {AUDIENCE}")), "{own}");
    assert!(own.contains("✓ token: "), "{own}");
    assert!(practice.bundle.items().await.is_empty(), "nothing was written");
    assert!(practice.bundle.channel().entries().is_empty(), "nothing was sent");
    practice.close().await;
}

#[tokio::test]
async fn a_role_that_the_registration_does_not_trust_is_found() {
    let practice = federated("arn:aws:iam::000000000000:role/another").await;

    let examined = practice.examine().await;

    let fix = format!("subject {SUBJECT}, audience {AUDIENCE}");
    examined.assert_one_failed("federated trust", "AADSTS700213: unexpected subject", &fix);
    practice.close().await;
}

#[tokio::test]
async fn an_account_without_outbound_federation_is_found() {
    let practice = federated(SUBJECT).await;
    practice.bundle.local().stack.identity().switch_off();

    let examined = practice.examine().await;

    let fix = "aws iam enable-outbound-web-identity-federation";
    examined.assert_one_failed("federated trust", "AWS issued no identity token", fix);
    practice.close().await;
}

#[tokio::test]
async fn a_worker_can_be_asked_without_anything_else_being_configured() {
    let mut practice = federated(SUBJECT).await;
    practice.vars.clear();

    let examined = practice.examine().await;

    examined.assert_all_holds();
    assert!(!examined.text.contains("This machine"), "{}", examined.text);
    practice.close().await;
}

#[tokio::test]
async fn a_worker_looks_at_its_own_queue_and_leaves_the_others_out() {
    let practice = Practice::open().await;
    let sqs = aws_sdk_sqs::Client::new(&practice.account.sdk_config());
    let resources = &practice.bundle.local().resources;
    let [turns, tasks, deliveries] =
        [&resources.turns, &resources.tasks, &resources.deliveries].map(|url| Queue::new(sqs.clone(), url));
    let queues =
        [(&turns, QueueKind::Turns), (&tasks, QueueKind::Tasks), (&deliveries, QueueKind::Deliveries)];

    for other in ["herald-tasks", "herald-deliveries"] {
        practice.account.deny("AmazonSQS.GetQueueAttributes", other);
    }
    let of_turns = diagnostics::own_queue(queues).await;
    practice.account.deny("AmazonSQS.GetQueueAttributes", "herald-turns");
    let of_none = diagnostics::own_queue(queues).await;

    assert!(matches!(of_turns[0].outcome, Outcome::Passed(_)), "{of_turns:?}");
    assert!(of_turns[1..].iter().all(|it| matches!(it.outcome, Outcome::Skipped(_))), "{of_turns:?}");
    assert!(of_none.len() == 1 && of_none[0].has_failed(), "{of_none:?}");
    practice.close().await;
}

#[tokio::test]
async fn a_function_that_is_not_there_is_found() {
    let mut practice = Practice::open().await;
    practice.workers = vec!["elsewhere".to_owned()];

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "self-check",
        "function `elsewhere` is not in us-east-1",
        "WorkerTurnsFunction",
    );
    practice.close().await;
}

#[tokio::test]
async fn a_function_that_may_not_be_invoked_or_is_throttled_is_found() {
    assert_unanswered(
        Function::Refused(403, "AccessDeniedException"),
        "AccessDeniedException",
        "allow lambda:InvokeFunction on function `herald-WorkerTurns-1`",
    )
    .await;
    assert_unanswered(
        Function::Refused(429, "TooManyRequestsException"),
        "throttling it",
        "raise the concurrency",
    )
    .await;
}

#[tokio::test]
async fn a_function_that_fails_is_told_by_how_it_failed() {
    let failed =
        |kind: &str, message: &str| Function::Fails(json!({ "errorType": kind, "errorMessage": message }));

    assert_unanswered(
        failed("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: exit status 1"),
        "Runtime.ExitError",
        "aws logs tail /aws/lambda/herald-WorkerTurns-1",
    )
    .await;
    assert_unanswered(failed("Sandbox.Timedout", "Task timed out after 60.00 seconds"), "timed out", "NAT")
        .await;
    assert_unanswered(failed("serde", "missing field `Records`"), "`Records`", "deploy this version").await;
}

#[tokio::test]
async fn a_function_that_is_no_worker_is_found() {
    assert_unanswered(
        Function::Answers(json!({ "statusCode": 404 })),
        "no self-check's",
        "WorkerTasksFunction",
    )
    .await;
    let newer = json!({ "version": 2, "findings": Vec::<Value>::new() });
    assert_unanswered(Function::Answers(newer), "version 2", "the version that is deployed").await;
}
