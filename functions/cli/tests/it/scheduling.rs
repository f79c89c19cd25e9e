//! Schedules, as an operator adds, lists and removes them, and their runs.

use herald::clock::Clock;
use jiff::Timestamp;
use local::aws_emulator::template::fire;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

use crate::commands::{File, Output, try_execute_args};
use crate::golden::{Times, assert_golden};

const NINE: &str = "cron(0 9 * * ? *)";

fn news() -> File {
    File::with(&json!({
        "version": 1, "notification": "news", "audience": { "kind": "everyone" }, "content": { "text": "News." },
    }))
}

async fn execute(bundle: &TestBundle, arguments: &[&str]) -> Output {
    try_execute_args(bundle, arguments).await.unwrap()
}

async fn error(bundle: &TestBundle, arguments: &[&str]) -> String {
    match try_execute_args(bundle, arguments).await {
        Err(error) => error.to_string(),
        Ok(output) => panic!("was accepted: {}", output.text),
    }
}

/// Advances the clock to `time`, and runs the schedules that are due; returns their names and times.
async fn run_until(bundle: &TestBundle, time: &str) -> Vec<String> {
    let (now, until) = (bundle.clock().now(), time.parse::<Timestamp>().unwrap());
    bundle.clock().advance(until.duration_since(now).try_into().unwrap());
    let mut fired = Vec::new();
    for (schedule, due) in bundle.local().stack.due(now, until).unwrap() {
        if schedule.name == "tick" {
            continue;
        }
        fired.push(format!("{} {due}", schedule.name));
        bundle.local().fire(fire(&schedule, due)).await.unwrap();
        // The scheduler may deliver an event twice.
        bundle.local().fire(fire(&schedule, due)).await.unwrap();
    }
    bundle.drain().await;
    fired
}

#[tokio::test]
async fn schedule_runs_in_its_zone_and_sends_once_per_run() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.install("Alex").await;
    let before = bundle.channel().texts().len();
    let news = news();

    let added =
        execute(&bundle, &["schedule", "add", "news", NINE, news.path(), "--zone", "Asia/Tokyo"]).await;
    let listed = execute(&bundle, &["schedule", "list"]).await;
    let fired = run_until(&bundle, "2026-11-24T12:00:00Z").await;

    assert!(added.is_done);
    assert_golden("schedule/add.txt", &added.text, Times::Compared);
    assert_golden("schedule/list.txt", &listed.text, Times::Compared);
    let of_news: Vec<_> = fired.iter().filter(|fired| fired.starts_with("news ")).collect();
    assert_eq!(of_news, ["news 2026-11-23T00:00:00Z", "news 2026-11-24T00:00:00Z"]);
    let sent = bundle.channel().texts().split_off(before);
    assert_eq!(sent.iter().filter(|text| *text == "News.").count(), 2, "{sent:?}");
    bundle.end().await;
}

#[tokio::test]
async fn schedule_that_runs_once_is_deleted_after_its_run() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let news = news();
    let once = ["schedule", "add", "once", "at(2026-11-23T09:00:00)", news.path(), "--zone", "Europe/Zurich"];
    assert!(execute(&bundle, &once).await.is_done);

    let early = run_until(&bundle, "2026-11-23T07:59:59Z").await;
    let due = run_until(&bundle, "2026-11-23T08:00:01Z").await;

    assert!(!early.iter().any(|fired| fired.starts_with("once")), "{early:?}");
    assert!(due.contains(&"once 2026-11-23T08:00:00Z".to_owned()), "{due:?}");
    let listed = execute(&bundle, &["schedule", "list"]).await.text;
    assert!(!listed.contains("once"), "{listed}");
    bundle.end().await;
}

#[tokio::test]
async fn removed_schedule_no_longer_runs() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let news = news();
    let add = ["schedule", "add", "news", NINE, news.path(), "--zone", "UTC"];
    assert!(execute(&bundle, &add).await.is_done);

    let again = execute(&bundle, &add).await;
    let removed = execute(&bundle, &["schedule", "remove", "news"]).await;
    let twice = execute(&bundle, &["schedule", "remove", "news"]).await;
    let fired = run_until(&bundle, "2026-11-24T12:00:00Z").await;

    assert!(!again.is_done && removed.is_done && !twice.is_done);
    assert_golden("schedule/add-existing.txt", &again.text, Times::Compared);
    assert_golden("schedule/remove.txt", &removed.text, Times::Compared);
    assert_golden("schedule/not-found.txt", &twice.text, Times::Compared);
    assert!(!fired.iter().any(|fired| fired.starts_with("news")), "{fired:?}");
    let of_template = error(&bundle, &["schedule", "remove", "tick"]).await;
    assert_golden("schedule/remove-of-template.txt", &of_template, Times::Compared);
    bundle.end().await;
}

#[tokio::test]
async fn invalid_schedule_is_rejected_and_nothing_is_added() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let news = news();
    let event = |change: Value| {
        let mut event = json!({
            "version": 1, "notification": "news", "audience": { "kind": "everyone" }, "content": { "text": "News." },
        });
        event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        File::with(&event)
    };
    let files = [
        (event(json!({ "key": "mine" })), "`key`"),
        (event(json!({ "schedule_arn": "arn" })), "`schedule_arn`"),
        (event(json!({ "audience": { "kind": "martians" } })), "martians"),
        (event(json!({ "audience": { "kind": "users", "users": [] } })), "`audience.users`"),
        (event(json!({ "content": { "text": "${x}" } })), "`x`"),
        (event(json!({ "topic": "two terms" })), "`topic`"),
        (event(json!({ "notification": "" })), "`notification`"),
    ];
    let lines: [(&[&str], &str); 8] = [
        (&["news", "cron(0 25 * * ? *)", news.path(), "--zone", "UTC"], "`EXPRESSION`: cron(0 25 * * ? *)"),
        (&["news", "cron(0 9 * * * *)", news.path(), "--zone", "UTC"], "`EXPRESSION`"),
        (&["news", "every morning", news.path(), "--zone", "UTC"], "`EXPRESSION`"),
        (&["news", "rate(0 minutes)", news.path()], "`EXPRESSION`"),
        (&["news", "at(2020-01-01T09:00:00)", news.path(), "--zone", "UTC"], "`EXPRESSION`: never runs"),
        (&["news", NINE, news.path(), "--zone", "Europe/Atlantis"], "`--zone`: `Europe/Atlantis`"),
        (&["news", NINE, news.path()], "`--zone`: is missing"),
        (&["new s", NINE, news.path(), "--zone", "UTC"], "`NAME`"),
    ];

    let mut errors = Vec::new();
    for (line, names) in lines {
        errors.push((error(&bundle, &[&["schedule", "add"], line].concat()).await, names));
    }
    for (file, names) in &files {
        let line = ["schedule", "add", "news", NINE, file.path(), "--zone", "UTC"];
        errors.push((error(&bundle, &line).await, *names));
    }

    for (error, names) in errors {
        assert!(error.contains(names), "{names}: {error}");
    }
    let listed = execute(&bundle, &["schedule", "list"]).await.text;
    assert_eq!(listed.lines().count(), bundle.local().template.schedules.len(), "{listed}");
    bundle.end().await;
}

#[tokio::test]
async fn next_runs_include_the_effect_of_daylight_saving() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let next = ["schedule", "next", "--count", "2", "--zone", "America/New_York", "--expression"];

    let spring = execute(&bundle, &[&next[..], &["cron(30 2 14 3 ? 2027)"]].concat()).await.text;
    let autumn = execute(&bundle, &[&next[..], &["cron(30 1 7 11 ? 2027)"]].concat()).await.text;
    let rate = execute(&bundle, &["schedule", "next", "tick"]).await.text;
    let news = news();
    assert!(execute(&bundle, &["schedule", "add", "news", NINE, news.path(), "--zone", "UTC"]).await.is_done);
    let daily = execute(&bundle, &["schedule", "next", "news", "--count", "3"]).await.text;

    assert_golden("schedule/next-skipped.txt", &spring, Times::Compared);
    assert_golden("schedule/next-repeated.txt", &autumn, Times::Compared);
    assert_golden("schedule/next-rate.txt", &rate, Times::Compared);
    assert_golden("schedule/next-cron.txt", &daily, Times::Compared);
    bundle.end().await;
}
