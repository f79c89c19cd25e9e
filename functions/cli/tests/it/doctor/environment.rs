//! The configuration, the channel and the account, as the environment names them.

use std::sync::Arc;
use std::time::Duration;

use cli::args::DoctorArguments;
use cli::doctor::{Color, Report, doctor};
use herald::clock::Clock;
use local::channel_emulator::{Fault, Operation, Refusal};
use serde_json::Value;
use support::TestBundle;

use super::{Examined, Practice, scripted_agent};

#[tokio::test]
async fn everything_the_environment_names_holds() {
    let practice = Practice::open().await;

    let examined = practice.examine().await;

    examined.assert_all_holds();
    assert!(examined.text.ends_with("12 of 12 checks hold.\n"), "{}", examined.text);
    assert!(
        examined.text.contains(
            "✓ schedule morning-digest: cron(0 8 ? * MON-FRI *) in Europe/Zurich, next on Mon 2026-11-23 at 08:00, \
             calls herald-Proactive-1"
        ),
        "{}",
        examined.text
    );
    practice.close().await;
}

#[tokio::test]
async fn each_missing_variable_is_one_failure_and_the_rest_is_checked() {
    let mut practice = Practice::open().await;
    let complete = practice.vars.clone();

    for (name, fix) in [
        ("CLIENT_ID", "Application (client) ID"),
        ("TENANT_ID", "Directory (tenant) ID"),
        ("CLIENT_SECRET", "CREDENTIAL=federated"),
        ("TABLE_NAME", "the stack's output TableName"),
        ("TURNS_QUEUE_URL", "the stack's output TurnsQueueUrl"),
        ("TASKS_QUEUE_URL", "the stack's output TasksQueueUrl"),
        ("DELIVERIES_QUEUE_URL", "the stack's output DeliveriesQueueUrl"),
    ] {
        practice.vars.clone_from(&complete);
        practice.unset(name);

        let examined = practice.examine().await;

        examined.assert_one_failed("configuration", name, fix);
        assert!(examined.text.contains('–') && examined.text.contains("✓ signing keys"), "{}", examined.text);
    }
    practice.close().await;
}

#[tokio::test]
async fn a_wrong_cloud_is_one_failure() {
    let mut practice = Practice::open().await;
    practice.set("CLOUD", "atlantis");

    let examined = practice.examine().await;

    examined.assert_one_failed("configuration", "CLOUD is `atlantis`", "set CLOUD to public");
    practice.close().await;
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_found() {
    let practice = Practice::open().await;
    practice.bundle.channel().fail_on(Operation::Keys, Fault::Status(Refusal::raw(500, "")));

    let examined = practice.examine().await;

    examined.assert_one_failed("signing keys", "answered 500", "again in some minutes");
    practice.close().await;
}

#[tokio::test]
async fn a_wrong_secret_is_found_and_not_repeated() {
    let mut practice = Practice::open().await;
    practice.set("CLIENT_SECRET", "hush-hush");

    let examined = practice.examine().await;

    examined.assert_one_failed("token", "AADSTS7000215", "use the secret's value, not its id");
    assert!(!examined.text.contains("hush-hush"), "{}", examined.text);
    practice.close().await;
}

#[tokio::test]
async fn a_wrong_tenant_is_found() {
    let mut practice = Practice::open().await;
    let mut cloud = practice.bundle.channel().cloud();
    cloud["token_tenant"] = Value::Null;
    practice.set("CLOUD", cloud.to_string());
    practice.set("TENANT_ID", "elsewhere");

    let examined = practice.examine().await;

    examined.assert_one_failed("token", "AADSTS90002", "TENANT_ID is not a tenant of this CLOUD");
    practice.close().await;
}

#[tokio::test]
async fn a_clock_ten_minutes_off_is_found() {
    let mut practice = Practice::open().await;
    practice.clock = TestBundle::clock_at_start();
    practice.clock.advance(Duration::from_secs(600));

    let examined = practice.examine().await;

    examined.assert_one_failed("clock", "600 s ahead of the login service", "NTP");
    practice.close().await;
}

#[tokio::test]
async fn a_machine_that_is_not_signed_in_is_one_failure() {
    let practice = Practice::open().await;
    let arguments = DoctorArguments::default();
    let mut out = Vec::new();
    let vars =
        |name: &str| practice.vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let aws = async || {
        let mut builder = practice.account.sdk_config().into_builder();
        builder.set_credentials_provider(None);
        builder.build()
    };
    let clock: Arc<dyn Clock> = practice.clock.clone();

    let report = Report::new(&mut out, Color::Plain);
    let holds = doctor(&scripted_agent(), &arguments, vars, aws, &clock, report).await.unwrap();

    let examined = Examined { text: String::from_utf8(out).unwrap(), holds };
    examined.assert_one_failed("AWS", "no usable credentials", "sign in");
    practice.close().await;
}
