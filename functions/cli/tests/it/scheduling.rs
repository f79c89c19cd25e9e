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

#[tokio::test]
async fn rate_counts_from_the_time_at_which_it_is_added() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let news = news();
    bundle.clock().advance(std::time::Duration::from_millis(23_500));
    let add = ["schedule", "add", "weekly", "rate(7 days)", news.path(), "--zone", "Asia/Tokyo"];

    let added = execute(&bundle, &add).await;
    let next = execute(&bundle, &["schedule", "next", "weekly", "--count", "2"]).await.text;
    let listed = execute(&bundle, &["schedule", "list"]).await.text;
    let early = run_until(&bundle, "2026-11-29T09:00:23Z").await;
    let again = execute(&bundle, &add).await;
    let due = run_until(&bundle, "2026-12-07T09:00:00Z").await;

    assert!(added.is_done && !again.is_done);
    assert_golden("schedule/add-rate.txt", &added.text, Times::Compared);
    assert_golden("schedule/next-added-rate.txt", &next, Times::Compared);
    assert!(
        listed.contains("weekly\trate(7 days)\tAsia/Tokyo\tnews\tnext Sun 2026-11-29 18:00 +09:00"),
        "{listed}"
    );
    let of_weekly = |fired: Vec<String>| {
        fired.into_iter().filter(|fired| fired.starts_with("weekly")).collect::<Vec<_>>()
    };
    assert_eq!(of_weekly(early), [""; 0], "nothing runs at once");
    assert_eq!(
        of_weekly(due),
        ["weekly 2026-11-29T09:00:24Z", "weekly 2026-12-06T09:00:24Z"],
        "unmoved by the second add"
    );
    bundle.end().await;
}

#[tokio::test]
async fn next_runs_of_a_rate_that_is_not_added_count_from_now() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let runs = async |rate: &str| {
        execute(&bundle, &["schedule", "next", "--count", "1", "--expression", rate]).await.text
    };

    for (rate, first) in [
        ("rate(1 minute)", "Sun 2026-11-22 09:01 +00:00 (2026-11-22 09:01 UTC)\n"),
        ("rate(90 minutes)", "Sun 2026-11-22 10:30 +00:00 (2026-11-22 10:30 UTC)\n"),
        ("rate(2 hours)", "Sun 2026-11-22 11:00 +00:00 (2026-11-22 11:00 UTC)\n"),
        ("rate(1 day)", "Mon 2026-11-23 09:00 +00:00 (2026-11-23 09:00 UTC)\n"),
        ("rate(30 days)", "Tue 2026-12-22 09:00 +00:00 (2026-12-22 09:00 UTC)\n"),
    ] {
        assert_eq!(runs(rate).await, first, "{rate}");
    }
    let too_long = error(&bundle, &["schedule", "next", "--expression", "rate(4000000000 days)"]).await;
    assert!(too_long.contains("`EXPRESSION`: never runs"), "{too_long}");
    bundle.end().await;
}

#[tokio::test]
async fn emulated_scheduler_honours_dates_as_documented() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let client = aws_sdk_scheduler::Client::new(&bundle.local().resources.aws);
    let group = bundle.local().template.schedules[0].group.clone();
    let create = async |name: &str, start: Option<&str>, end: Option<&str>| {
        use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
        let seconds = |time: &str| {
            aws_sdk_scheduler::primitives::DateTime::from_secs(time.parse::<Timestamp>().unwrap().as_second())
        };
        let input = r#"{"version":1,"tick":true}"#;
        let target = Target::builder().arn("Proactive").role_arn("role").input(input).build().unwrap();
        let request = client.create_schedule().group_name(&group).name(name).target(target);
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap();
        let request = request.schedule_expression("rate(1 hour)").flexible_time_window(window);
        let request = request.set_start_date(start.map(seconds)).set_end_date(end.map(seconds));
        request.send().await.map(drop).map_err(|error| format!("{:?}", error.into_service_error()))
    };

    let past = create("past", Some("2026-11-22T08:54:00Z"), None).await;
    let ended = create("ended", None, Some("2026-11-22T08:59:00Z")).await;
    let reversed = create("reversed", Some("2026-11-22T12:00:00Z"), Some("2026-11-22T11:00:00Z")).await;
    create("now", None, None).await.unwrap();
    create("recent", Some("2026-11-22T08:56:00Z"), None).await.unwrap();
    create("two", Some("2026-11-22T09:30:00Z"), Some("2026-11-22T10:30:00Z")).await.unwrap();
    let fired = run_until(&bundle, "2026-11-22T12:00:00Z").await;

    assert!(past.unwrap_err().contains("cannot be earlier than 5 minutes ago"));
    assert!(ended.unwrap_err().contains("EndDate") && reversed.unwrap_err().contains("EndDate"));
    let of = |name: &str| {
        let named = fired.iter().filter_map(|fired| fired.strip_prefix(&format!("{name} ")));
        named.map(|time| time[11..19].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("now"), ["09:00:01", "10:00:01", "11:00:01"], "without a start date it runs at once");
    assert_eq!(of("recent"), ["09:56:00", "10:56:00", "11:56:00"]);
    assert_eq!(of("two"), ["09:30:00", "10:30:00"]);
    bundle.end().await;
}
