//! Schedules that an operator makes: they fire on time, once, on the clocks of their zone, until they are taken away.

use herald::clock::Clock;
use jiff::Timestamp;
use local::aws_emulator::template::fire;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

use crate::commands::{File, Said, try_say_words};

const NINE: &str = "cron(0 9 * * ? *)";

fn news() -> File {
    File::with(&json!({
        "version": 1, "notification": "news", "audience": { "kind": "everyone" }, "content": { "text": "News." },
    }))
}

async fn say(bundle: &TestBundle, words: &[&str]) -> Said {
    try_say_words(bundle, words).await.unwrap()
}

async fn refusal(bundle: &TestBundle, words: &[&str]) -> String {
    match try_say_words(bundle, words).await {
        Err(error) => error.to_string(),
        Ok(said) => panic!("was taken: {}", said.text),
    }
}

/// Lets the clock show `time` and fires what is due by then.
async fn pass_until(bundle: &TestBundle, time: &str) -> Vec<String> {
    let (now, until) = (bundle.clock().now(), time.parse::<Timestamp>().unwrap());
    bundle.clock().advance(until.duration_since(now).try_into().unwrap());
    let mut fired = Vec::new();
    for (schedule, due) in bundle.local().stack.due(now, until).unwrap() {
        if schedule.name == "tick" {
            continue;
        }
        fired.push(format!("{} {due}", schedule.name));
        bundle.local().fire(fire(&schedule, due)).await.unwrap();
        // The scheduler may deliver a firing twice.
        bundle.local().fire(fire(&schedule, due)).await.unwrap();
    }
    bundle.drain().await;
    fired
}

#[tokio::test]
async fn what_was_made_fires_on_time_and_once_on_the_clocks_of_its_zone() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    bundle.install("Alex").await;
    let before = bundle.channel().texts().len();
    let news = news();

    let made = say(&bundle, &["schedule", "add", "news", NINE, news.path(), "--zone", "Asia/Tokyo"]).await;
    let listed = say(&bundle, &["schedule", "list"]).await;
    let fired = pass_until(&bundle, "2026-11-24T12:00:00Z").await;

    assert!(made.did, "{}", made.text);
    assert!(made.text.contains("Mon 2026-11-23 09:00 +09:00 (2026-11-23 00:00 UTC)"), "{}", made.text);
    assert!(listed.text.contains("news\tcron(0 9 * * ? *)\tAsia/Tokyo\tnews\tnext Mon"), "{}", listed.text);
    assert!(listed.text.contains("tick\trate(1 minute)\tUTC\t(tick)"), "{}", listed.text);
    let of_news: Vec<_> = fired.iter().filter(|fired| fired.starts_with("news ")).collect();
    assert_eq!(of_news, ["news 2026-11-23T00:00:00Z", "news 2026-11-24T00:00:00Z"]);
    let told = bundle.channel().texts().split_off(before);
    assert_eq!(told.iter().filter(|text| *text == "News.").count(), 2, "{told:?}");
    bundle.end().await;
}

#[tokio::test]
async fn one_that_fires_once_is_gone_after_it() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let news = news();
    let once = ["schedule", "add", "once", "at(2026-11-23T09:00:00)", news.path(), "--zone", "Europe/Zurich"];
    assert!(say(&bundle, &once).await.did);

    let early = pass_until(&bundle, "2026-11-23T07:59:59Z").await;
    let due = pass_until(&bundle, "2026-11-23T08:00:01Z").await;

    assert!(!early.iter().any(|fired| fired.starts_with("once")), "{early:?}");
    assert!(due.contains(&"once 2026-11-23T08:00:00Z".to_owned()), "{due:?}");
    let listed = say(&bundle, &["schedule", "list"]).await.text;
    assert!(!listed.contains("once"), "{listed}");
    bundle.end().await;
}

#[tokio::test]
async fn what_was_taken_away_fires_no_more() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let news = news();
    let add = ["schedule", "add", "news", NINE, news.path(), "--zone", "UTC"];
    assert!(say(&bundle, &add).await.did);

    let again = say(&bundle, &add).await;
    let removed = say(&bundle, &["schedule", "remove", "news"]).await;
    let twice = say(&bundle, &["schedule", "remove", "news"]).await;
    let fired = pass_until(&bundle, "2026-11-24T12:00:00Z").await;

    assert!(!again.did && again.text.contains("already"), "{}", again.text);
    assert!(removed.did && !twice.did && twice.text.contains("no schedule news"), "{}", twice.text);
    assert!(!fired.iter().any(|fired| fired.starts_with("news")), "{fired:?}");
    let given = refusal(&bundle, &["schedule", "remove", "tick"]).await;
    assert!(given.contains("template.yaml"), "{given}");
    bundle.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_named_before_anything_is_made() {
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
        (event(json!({ "topic": "two words" })), "`topic`"),
        (event(json!({ "notification": "" })), "`notification`"),
    ];
    let words: [(&[&str], &str); 8] = [
        (&["news", "cron(0 25 * * ? *)", news.path(), "--zone", "UTC"], "`EXPRESSION`: cron(0 25 * * ? *)"),
        (&["news", "cron(0 9 * * * *)", news.path(), "--zone", "UTC"], "`EXPRESSION`"),
        (&["news", "every morning", news.path(), "--zone", "UTC"], "`EXPRESSION`"),
        (&["news", "rate(0 minutes)", news.path()], "`EXPRESSION`"),
        (&["news", "at(2020-01-01T09:00:00)", news.path(), "--zone", "UTC"], "`EXPRESSION`: never fires"),
        (&["news", NINE, news.path(), "--zone", "Europe/Atlantis"], "`--zone`: `Europe/Atlantis`"),
        (&["news", NINE, news.path()], "`--zone`: is missing"),
        (&["new s", NINE, news.path(), "--zone", "UTC"], "`NAME`"),
    ];

    let mut refusals = Vec::new();
    for (words, names) in words {
        refusals.push((refusal(&bundle, &[&["schedule", "add"], words].concat()).await, names));
    }
    for (file, names) in &files {
        let words = ["schedule", "add", "news", NINE, file.path(), "--zone", "UTC"];
        refusals.push((refusal(&bundle, &words).await, *names));
    }

    for (refusal, names) in refusals {
        assert!(refusal.contains(names), "{names}: {refusal}");
    }
    let listed = say(&bundle, &["schedule", "list"]).await.text;
    assert_eq!(listed.lines().count(), bundle.local().template.schedules.len(), "{listed}");
    bundle.end().await;
}

#[tokio::test]
async fn what_a_change_of_clocks_does_is_said_beforehand() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let next = ["schedule", "next", "--count", "2", "--zone", "America/New_York", "--expression"];

    let spring = say(&bundle, &[&next[..], &["cron(30 2 14 3 ? 2027)"]].concat()).await.text;
    let autumn = say(&bundle, &[&next[..], &["cron(30 1 7 11 ? 2027)"]].concat()).await.text;
    let rate = say(&bundle, &["schedule", "next", "tick"]).await.text;
    let news = news();
    assert!(say(&bundle, &["schedule", "add", "news", NINE, news.path(), "--zone", "UTC"]).await.did);
    let daily = say(&bundle, &["schedule", "next", "news", "--count", "3"]).await.text;

    assert_eq!(
        spring,
        "Sun 2027-03-14 02:30 does not come: the clocks of America/New_York skip it\nnever again\n"
    );
    assert_eq!(
        autumn,
        "Sun 2027-11-07 01:30 -04:00 (2027-11-07 05:30 UTC), the first of two such times that day\n"
    );
    assert!(rate.starts_with("every 1 minute"), "{rate}");
    assert_eq!(daily.lines().count(), 3, "{daily}");
    bundle.end().await;
}
