//! `herald doctor`: what holds is said to hold, and each thing that is broken is one ✗ with its cause and its fix.

mod machine;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use cli::args::DoctorArguments;
use cli::channel::{Fault, Operation, Refusal};
use cli::doctor::{Ink, Sheet, doctor};
use herald::clock::Clock;
use serde_json::{Value, json};
use support::{Account, ScriptedEngine, TestBundle, TestClock};

const SECRET: &str = "emulated";

/// What an operator has: a deployment, an account, an environment and a clock.
struct Practice {
    bundle: TestBundle,
    account: Account,
    vars: Vec<(&'static str, String)>,
    clock: Arc<TestClock>,
    workers: Vec<String>,
}

/// What the command wrote.
struct Examined {
    text: String,
    holds: bool,
}

impl Practice {
    /// Everything is in place.
    async fn open() -> Self {
        Self::of(TestBundle::with(ScriptedEngine::saying("Hello.")).await).await
    }

    async fn of(bundle: TestBundle) -> Self {
        let local = bundle.local();
        let account = Account::start(local.resources.aws.clone(), local.stack.endpoint()).await.unwrap();
        let (channel, resources) = (&local.channel, &local.resources);
        let vars = vec![
            ("CLOUD", channel.cloud().to_string()),
            ("CLIENT_ID", local.bundle.worker.connector.client_id.to_string()),
            ("TENANT_ID", channel.add_person("Alex").tenant),
            ("CREDENTIAL", "secret".to_owned()),
            ("CLIENT_SECRET", SECRET.to_owned()),
            ("TABLE_NAME", resources.table_name.clone()),
            ("TURNS_QUEUE_URL", resources.turns.clone()),
            ("TASKS_QUEUE_URL", resources.tasks.clone()),
            ("DELIVERIES_QUEUE_URL", resources.deliveries.clone()),
            ("SCHEDULE_GROUP", "herald".to_owned()),
        ];
        let clock = bundle.clock().clone();
        account.add_schedule(schedule(|_| {}));
        account.add_schedule(schedule(|schedule| {
            schedule["Name"] = json!("tick");
            schedule["ScheduleExpression"] = json!("rate(1 minute)");
            schedule["Target"]["Input"] = json!(r#"{"version":1,"tick":true}"#);
        }));
        Self { bundle, account, vars, clock, workers: Vec::new() }
    }

    fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.unset(name);
        self.vars.push((name, value.into()));
    }

    fn unset(&mut self, name: &str) {
        self.vars.retain(|(key, _)| *key != name);
    }

    async fn examine(&self) -> Examined {
        let arguments = DoctorArguments { worker: self.workers.clone() };
        let vars =
            |name: &str| self.vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        let clock: Arc<dyn Clock> = self.clock.clone();
        let mut out = Vec::new();
        let sheet = Sheet::new(&mut out, Ink::Plain);
        let aws = async || self.account.sdk_config();
        let holds = doctor(&arguments, vars, aws, &clock, sheet).await.unwrap();
        Examined { text: String::from_utf8(out).unwrap(), holds }
    }

    async fn close(self) {
        self.bundle.end().await;
    }
}

impl Examined {
    #[track_caller]
    fn assert_all_holds(&self) {
        assert!(self.holds && !self.text.contains('✗'), "{}", self.text);
    }

    /// Exactly one check failed: that of `what`, with this in its cause and that in its fix.
    #[track_caller]
    fn assert_one_failed(&self, what: &str, cause: &str, fix: &str) {
        let mut lines = self.text.lines().skip_while(|line| !line.starts_with('✗'));
        let failed = lines.next().unwrap_or_default();
        let mended = lines.next().unwrap_or_default();
        assert_eq!(self.text.matches('✗').count(), 1, "{}", self.text);
        assert!(failed.starts_with(&format!("✗ {what}: ")) && failed.contains(cause), "{}", self.text);
        assert!(mended.starts_with("    fix: ") && mended.contains(fix), "{}", self.text);
        assert!(!self.holds);
    }
}

/// The template's schedule, as `GetSchedule` shows it.
fn schedule(change: impl FnOnce(&mut Value)) -> Value {
    let input = json!({
        "version": 1, "occasion": "morning-digest", "audience": { "kind": "everyone" },
        "schedule_arn": "<aws.scheduler.schedule-arn>", "scheduled_time": "<aws.scheduler.scheduled-time>",
    });
    let mut schedule = json!({
        "Arn": "arn:aws:scheduler:us-east-1:000000000000:schedule/herald/morning-digest",
        "Name": "morning-digest",
        "GroupName": "herald",
        "State": "ENABLED",
        "ScheduleExpression": "cron(0 8 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Zurich",
        "Target": {
            "Arn": "arn:aws:lambda:us-east-1:000000000000:function:herald-Proactive-1",
            "RoleArn": "arn:aws:iam::000000000000:role/herald-SchedulerRole-1",
            "DeadLetterConfig": { "Arn": "arn:aws:sqs:us-east-1:000000000000:herald-proactive-dead-letters" },
            "Input": input.to_string(),
        },
    });
    change(&mut schedule);
    schedule
}

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

    examined.assert_one_failed("token", "AADSTS90002", "TENANT_ID names no tenant of this CLOUD");
    practice.close().await;
}

#[tokio::test]
async fn a_missing_table_is_found() {
    let mut practice = Practice::open().await;
    practice.set("TABLE_NAME", "elsewhere");

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "table",
        "table `elsewhere` is not in us-east-1",
        "the stack's output TableName",
    );
    practice.close().await;
}

#[tokio::test]
async fn a_table_with_another_key_is_found() {
    let mut practice = Practice::open().await;
    let client = aws_sdk_dynamodb::Client::new(&practice.bundle.local().resources.aws);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let request = client.create_table().table_name("orders").billing_mode(BillingMode::PayPerRequest);
    request.key_schema(key).attribute_definitions(id.build().unwrap()).send().await.unwrap();
    practice.set("TABLE_NAME", "orders");

    let examined = practice.examine().await;

    examined.assert_one_failed("table", "`orders` is no table whose key is `pk` and `sk`", "TableName");
    practice.close().await;
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_found() {
    let practice = Practice::open().await;
    practice.account.deny("DynamoDB_20120810.GetItem", "");

    let examined = practice.examine().await;

    examined.assert_one_failed("table", "AccessDeniedException", "allow dynamodb:GetItem on table");
    assert!(!examined.text.contains("000000000000"), "what AWS says is not passed on: {}", examined.text);
    practice.close().await;
}

#[tokio::test]
async fn a_missing_queue_is_found() {
    let mut practice = Practice::open().await;
    let elsewhere = practice.bundle.local().resources.tasks.replace("tasks", "elsewhere");
    practice.set("TASKS_QUEUE_URL", elsewhere);

    let examined = practice.examine().await;

    examined.assert_one_failed("tasks queue", "`herald-elsewhere` is not in us-east-1", "TasksQueueUrl");
    practice.close().await;
}

#[tokio::test]
async fn a_queue_of_another_region_is_found() {
    let mut practice = Practice::open().await;
    let url = "https://sqs.eu-west-1.amazonaws.com/000000000000/herald-tasks-elsewhere";
    practice.set("TASKS_QUEUE_URL", url);

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "tasks queue",
        "in eu-west-1, and AWS_REGION is us-east-1",
        "set AWS_REGION to eu-west-1",
    );
    practice.close().await;
}

#[tokio::test]
async fn a_queue_of_turns_that_keeps_no_order_is_found() {
    let mut practice = Practice::open().await;
    let tasks = practice.bundle.local().resources.tasks.clone();
    practice.set("TURNS_QUEUE_URL", tasks);

    let examined = practice.examine().await;

    examined.assert_one_failed("turns queue", "is no FIFO queue", "TurnsQueueUrl");
    practice.close().await;
}

#[tokio::test]
async fn a_clock_ten_minutes_off_is_found() {
    let mut practice = Practice::open().await;
    practice.clock = TestBundle::clock_at_start();
    practice.clock.advance(Duration::from_secs(600));

    let examined = practice.examine().await;

    examined.assert_one_failed("clock", "600 s ahead of that of login", "NTP");
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

    let holds = doctor(&arguments, vars, aws, &clock, Sheet::new(&mut out, Ink::Plain)).await.unwrap();

    let examined = Examined { text: String::from_utf8(out).unwrap(), holds };
    examined.assert_one_failed("AWS", "no usable credentials", "sign in");
    practice.close().await;
}

#[tokio::test]
async fn schedules_that_would_not_speak_are_found() {
    type Change = fn(&mut Value);
    let broken: [(Change, &str, &str); 3] = [
        (|schedule| schedule["State"] = json!("DISABLED"), "disabled", "enable it"),
        (
            |schedule| drop(schedule["Target"].as_object_mut().unwrap().remove("DeadLetterConfig")),
            "no dead-letter queue",
            "DeadLetterConfig",
        ),
        (
            |schedule| schedule["Target"]["Input"] = json!(r#"{"version":1,"occasion":"digest"}"#),
            "proactive refuses what it sends",
            "correct its Input",
        ),
    ];

    for (change, cause, fix) in broken {
        let practice = Practice::open().await;
        practice.account.add_schedule(schedule(|schedule| {
            schedule["Name"] = json!("second");
            change(schedule);
        }));

        let examined = practice.examine().await;

        examined.assert_one_failed("schedule second", cause, fix);
        practice.close().await;
    }
}

#[tokio::test]
async fn a_stack_without_its_tick_is_found() {
    let mut practice = Practice::open().await;
    practice.set("SCHEDULE_GROUP", "second");
    practice.account.add_schedule(schedule(|schedule| schedule["GroupName"] = json!("second")));

    let examined = practice.examine().await;

    examined.assert_one_failed("schedules", "sends the tick", "deploy the template again");
    practice.close().await;
}

#[tokio::test]
async fn a_group_of_schedules_that_is_not_there_is_found() {
    let mut practice = Practice::open().await;
    practice.set("SCHEDULE_GROUP", "elsewhere");

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "schedules",
        "`elsewhere` is not in us-east-1",
        "SCHEDULE_GROUP to the stack's name",
    );
    practice.close().await;
}

#[tokio::test]
async fn strangers_schedules_in_the_default_group_are_left_alone() {
    let mut practice = Practice::open().await;
    practice.unset("SCHEDULE_GROUP");
    practice.account.add_schedule(schedule(|schedule| {
        schedule["GroupName"] = json!("default");
        schedule["Name"] = json!("backup");
        schedule["State"] = json!("DISABLED");
        schedule["Target"]["Input"] = json!("{}");
    }));

    let examined = practice.examine().await;

    examined.assert_all_holds();
    assert!(
        examined.text.contains("– schedules: none of Herald's is in the default group"),
        "{}",
        examined.text
    );
    practice.close().await;
}
