//! The checks of the configuration, the channel and the credentials.

use std::sync::Arc;
use std::time::Duration;

use cli::args::DoctorArguments;
use cli::doctor::{Color, Report, doctor};
use herald::clock::Clock;
use local::channel_emulator::{Fault, Operation, Refusal};
use serde_json::Value;
use support::TestBundle;

use super::{Diagnosis, Operator, scripted_agent};
use crate::golden::{Times, assert_golden};

#[tokio::test]
async fn complete_environment_passes() {
    let operator = Operator::open().await;

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_no_failure();
    assert_golden("doctor/environment.txt", &diagnosis.text, Times::Compared);
    operator.close().await;
}

#[tokio::test]
async fn missing_variable_is_one_failure_and_the_rest_is_checked() {
    let mut operator = Operator::open().await;
    let complete = operator.vars.clone();

    for (name, fix) in [
        ("CLIENT_ID", "Application (client) ID"),
        ("TENANT_ID", "Directory (tenant) ID"),
        ("CLIENT_SECRET", "CREDENTIAL=federated"),
        ("TABLE_NAME", "the stack's output TableName"),
        ("TURNS_QUEUE_URL", "the stack's output TurnsQueueUrl"),
        ("TASKS_QUEUE_URL", "the stack's output TasksQueueUrl"),
        ("DELIVERIES_QUEUE_URL", "the stack's output DeliveriesQueueUrl"),
    ] {
        operator.vars.clone_from(&complete);
        operator.unset(name);

        let diagnosis = operator.diagnose().await;

        diagnosis.assert_one_failed("configuration", name, fix);
        assert_golden(&format!("doctor/missing-{name}.txt"), &diagnosis.text, Times::Compared);
    }
    operator.close().await;
}

#[tokio::test]
async fn invalid_cloud_is_one_failure() {
    let mut operator = Operator::open().await;
    operator.set("CLOUD", "atlantis");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("configuration", "CLOUD is `atlantis`", "set CLOUD to public");
    operator.close().await;
}

#[tokio::test]
async fn unavailable_signing_keys_are_found() {
    let operator = Operator::open().await;
    operator.bundle.channel().fail_on(Operation::Keys, Fault::Status(Refusal::raw(500, "")));

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("signing keys", "answered 500", "again in some minutes");
    operator.close().await;
}

#[tokio::test]
async fn invalid_secret_is_found_and_not_printed() {
    let mut operator = Operator::open().await;
    operator.set("CLIENT_SECRET", "hush-hush");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("token", "AADSTS7000215", "use the secret's value, not its id");
    assert!(!diagnosis.text.contains("hush-hush"), "{}", diagnosis.text);
    operator.close().await;
}

#[tokio::test]
async fn unknown_tenant_is_found() {
    let mut operator = Operator::open().await;
    let mut cloud = operator.bundle.channel().cloud();
    cloud["token_tenant"] = Value::Null;
    operator.set("CLOUD", cloud.to_string());
    operator.set("TENANT_ID", "elsewhere");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("token", "AADSTS90002", "TENANT_ID is not a tenant of this CLOUD");
    operator.close().await;
}

#[tokio::test]
async fn clock_ten_minutes_ahead_is_found() {
    let mut operator = Operator::open().await;
    operator.clock = TestBundle::clock_at_start();
    operator.clock.advance(Duration::from_secs(600));

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("clock", "600 s ahead of the login service", "NTP");
    operator.close().await;
}

#[tokio::test]
async fn missing_aws_credentials_are_one_failure() {
    let operator = Operator::open().await;
    let arguments = DoctorArguments::default();
    let mut out = Vec::new();
    let vars =
        |name: &str| operator.vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let aws = async || {
        let mut builder = operator.account.sdk_config().into_builder();
        builder.set_credentials_provider(None);
        builder.build()
    };
    let clock: Arc<dyn Clock> = operator.clock.clone();

    let report = Report::new(&mut out, Color::Plain);
    let passed = doctor(&scripted_agent(), &arguments, vars, aws, &clock, report).await.unwrap();

    let diagnosis = Diagnosis { text: String::from_utf8(out).unwrap(), passed };
    diagnosis.assert_one_failed("AWS", "no usable credentials", "sign in");
    operator.close().await;
}
