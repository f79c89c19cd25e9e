//! `herald doctor`: a check that passes is ✓, and each defect is one ✗ with its cause and its fix.

mod environment;
mod local;
mod resources;
mod schedules;
mod workers;

use std::sync::Arc;

use cli::args::DoctorArguments;
use cli::doctor::{Color, Report, doctor};
use herald::agent::Engine;
use herald::app::Agent;
use herald::clock::Clock;
use serde_json::{Value, json};
use support::{Account, ScriptedEngine, TestBundle, TestClock};

/// A deployment with its account, environment and clock.
struct Operator {
    bundle: TestBundle,
    account: Account,
    vars: Vec<(&'static str, String)>,
    clock: Arc<TestClock>,
    workers: Vec<String>,
}

/// The output of the doctor.
struct Diagnosis {
    text: String,
    passed: bool,
}

/// An agent whose engine says hello.
fn scripted_agent() -> Agent {
    Agent::new(|_| {
        let engine: Arc<dyn Engine> = Arc::new(ScriptedEngine::replying("Hello."));
        Ok(engine)
    })
}

impl Operator {
    /// Returns a deployment without defects.
    async fn open() -> Self {
        Self::of(TestBundle::with(ScriptedEngine::replying("Hello.")).await).await
    }

    async fn of(bundle: TestBundle) -> Self {
        let local = bundle.local();
        let account = Account::start(local.resources.aws.clone(), local.stack.endpoint()).await.unwrap();
        let (channel, resources) = (&local.channel, &local.resources);
        let vars = vec![
            ("CLOUD", channel.cloud().to_string()),
            ("CLIENT_ID", local.functions.worker.parts().connector.client_id.to_string()),
            ("TENANT_ID", channel.add_person("Alex").tenant),
            ("CREDENTIAL", "secret".to_owned()),
            ("CLIENT_SECRET", channel.client_secret().to_owned()),
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

    async fn diagnose(&self) -> Diagnosis {
        let arguments = DoctorArguments { worker: self.workers.clone() };
        let vars =
            |name: &str| self.vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        let clock: Arc<dyn Clock> = self.clock.clone();
        let mut out = Vec::new();
        let report = Report::new(&mut out, Color::Plain);
        let aws = async || self.account.sdk_config();
        let passed = doctor(&scripted_agent(), &arguments, vars, aws, &clock, report).await.unwrap();
        Diagnosis { text: String::from_utf8(out).unwrap(), passed }
    }

    async fn close(self) {
        self.bundle.end().await;
    }
}

impl Diagnosis {
    #[track_caller]
    fn assert_no_failure(&self) {
        assert!(self.passed && !self.text.contains('✗'), "{}", self.text);
    }

    /// Asserts that exactly one check failed: `what`, with `cause` in its cause and `fix` in its fix.
    #[track_caller]
    fn assert_one_failed(&self, what: &str, cause: &str, fix: &str) {
        let mut lines = self.text.lines().skip_while(|line| !line.starts_with('✗'));
        let failed = lines.next().unwrap_or_default();
        let fix_line = lines.next().unwrap_or_default();
        assert_eq!(self.text.matches('✗').count(), 1, "{}", self.text);
        assert!(failed.starts_with(&format!("✗ {what}: ")) && failed.contains(cause), "{}", self.text);
        assert!(fix_line.starts_with("    fix: ") && fix_line.contains(fix), "{}", self.text);
        assert!(!self.passed);
    }
}

/// Returns the schedule of the template as `GetSchedule` does, with a change.
fn schedule(change: impl FnOnce(&mut Value)) -> Value {
    let input = json!({
        "version": 1, "notification": "morning-digest", "audience": { "kind": "everyone" },
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
