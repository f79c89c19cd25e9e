//! The chat page of the local bundle: its actions reach the agent, its log survives a restart, other origins are rejected.
//! `tests/page/run.sh` tests the page itself in a browser.

use herald::clock::Clock;
use local::{ChannelSource, Local, LocalOptions};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

/// The page of a bundle, as the browser uses it.
struct Page {
    url: String,
    http: reqwest::Client,
}

impl Page {
    fn of(local: &Local) -> Self {
        let url = local.endpoint().trim_end_matches("/api/messages").to_owned();
        Self { url, http: reqwest::Client::new() }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Returns what a page that has nothing yet receives.
    async fn log(&self) -> Value {
        self.get("/chat/log").await
    }

    async fn act(&self, action: Value) -> Value {
        let answer = self.http.post(format!("{}/chat/act", self.url)).json(&action).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{action}");
        answer.json().await.unwrap()
    }
}

/// Returns the texts of the messages in `log`, in both directions.
fn texts(log: &Value) -> Vec<&str> {
    let exchanges = log["exchanges"].as_array().unwrap().iter();
    exchanges.filter_map(|exchange| exchange["activity"]["text"].as_str()).collect()
}

/// Returns the lines about what was done on the page.
fn notes(log: &Value) -> Vec<&str> {
    let exchanges = log["exchanges"].as_array().unwrap().iter();
    exchanges.filter(|exchange| exchange["way"] == "note").filter_map(|note| note["text"].as_str()).collect()
}

#[tokio::test]
async fn message_written_on_the_page_is_answered_there() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let page = Page::of(bundle.local());
    let alex = bundle.install("Alex").await;

    let html = page.http.get(&page.url).send().await.unwrap();
    let answer = page.act(json!({ "act": "send", "person": alex.id, "text": "hello" })).await;
    bundle.drain().await;
    let log = page.log().await;

    let policy = html.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer["status"], 202);
    assert_eq!(texts(&log), ["Good morning.", "hello", "Good morning."]);
    assert_eq!(log["settings"]["people"][0]["name"], "Alex");
    bundle.end().await;
}

#[tokio::test]
async fn request_is_grouped_with_the_turn_that_it_answers() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Done.")).await;
    let page = Page::of(bundle.local());
    let alex = bundle.install("Alex").await;

    page.act(json!({ "act": "send", "person": alex.id, "text": "report" })).await;
    bundle.drain().await;
    let (log, found) = (page.log().await, page.get("/chat/jobs").await);

    let exchanges = log["exchanges"].as_array().unwrap();
    let asked = exchanges.iter().find(|exchange| exchange["activity"]["text"] == "report").unwrap();
    let turn = &found["turns"][asked["n"].to_string()];
    let answers = exchanges
        .iter()
        .filter(|exchange| exchange["way"] == "out" && exchange["n"].as_u64() > asked["n"].as_u64());
    let roots: Vec<_> = answers
        .map(|answer| {
            let jobs = found["jobs"].as_array().unwrap();
            jobs.iter().find(|job| job["activity"] == answer["activityId"]).map(|job| &job["root"])
        })
        .collect();
    assert_eq!(roots, [Some(turn), Some(turn)], "{found:#}");
    bundle.end().await;
}

#[tokio::test]
async fn revoked_token_is_replaced_once_the_token_endpoint_answers_again() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let page = Page::of(bundle.local());
    let alex = bundle.install("Alex").await;

    page.act(json!({ "act": "fail", "fault": "no-token" })).await;
    page.act(json!({ "act": "send", "person": alex.id, "text": "hello" })).await;
    bundle.drain().await;

    let log = page.log().await;
    assert_eq!(
        notes(&log),
        ["Injected into the next send: 503 from the token endpoint.", "The token endpoint answered 503."]
    );
    assert_eq!(texts(&log).last(), Some(&"Good morning."));
    bundle.end().await;
}

#[tokio::test]
async fn person_in_a_thread_writes_with_their_settings_and_a_mention() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let page = Page::of(bundle.local());
    let alex = bundle.install("Alex").await;
    let settings = json!({
        "name": "Alexandra", "entraId": alex.entra_id, "locale": "de-DE", "timeZone": "Europe/Berlin",
        "client": "desktop", "surface": "copilot",
    });

    page.act(json!({ "act": "change-person", "person": alex.id, "settings": settings })).await;
    page.act(json!({ "act": "add-channel", "person": alex.id, "team": "Office", "name": "Orders" })).await;
    bundle.drain().await;
    let channel = page.log().await["settings"]["channels"][0]["id"].clone();
    let agent = json!({ "id": bundle.channel().agent_id(), "name": "Herald" });
    let text = "<at>Herald</at> order a chair";
    let message = json!({
        "act": "send", "person": alex.id, "conversation": channel, "text": text, "mentions": [agent],
    });
    page.act(message).await;
    page.act(json!({ "act": "send", "person": alex.id, "text": "in private" })).await;
    bundle.drain().await;

    let log = page.log().await;
    let sent = |text: &str| {
        let exchanges = log["exchanges"].as_array().unwrap().iter();
        exchanges.map(|exchange| &exchange["activity"]).find(|activity| activity["text"] == text).unwrap()
    };
    let (thread, private) = (sent(text), sent("in private"));
    assert_eq!(thread["entities"][0]["mentioned"]["id"], agent["id"]);
    assert!(thread["conversation"]["id"].as_str().unwrap().starts_with(channel.as_str().unwrap()));
    assert_eq!((&thread["from"]["name"], &thread["locale"]), (&json!("Alexandra"), &json!("de-DE")));
    assert_eq!(private["entities"][0], json!({ "type": "ProductInfo", "id": "COPILOT" }));
    bundle.end().await;
}

#[tokio::test]
async fn log_of_the_page_survives_a_restart() {
    let state = std::env::temp_dir().join(format!("herald-page-{}", std::process::id()));
    let start = async || {
        Local::start(LocalOptions {
            state: Some(state.clone()),
            port: 0,
            source: ChannelSource::Emulated,
            credential: None,
            engine: std::sync::Arc::new(ScriptedEngine::replying("Good morning.")),
            suggestion: "hello".to_owned(),
            clock: TestBundle::clock_at_start(),
            random: herald::random::Random::seeded(7),
            delays: local::aws_emulator::Delays::Skipped,
            tenant_rate: 1_000,
        })
        .await
        .unwrap()
    };
    let before = start().await;
    let alex = before.channel.add_person("Alex");
    let (page, message) = (Page::of(&before), json!({ "act": "send", "person": alex.id, "text": "hello" }));
    page.act(message).await;
    let first = page.log().await;
    before.stop().await.unwrap();

    let after = start().await;
    let second = Page::of(&after).log().await;
    after.stop().await.unwrap();
    std::fs::remove_dir_all(&state).unwrap();

    assert_eq!(texts(&first), ["hello"]);
    assert_eq!(first["exchanges"], second["exchanges"]);
    assert_ne!(first["epoch"], second["epoch"], "the page notices the restart");
}

#[tokio::test]
async fn clock_that_cannot_be_moved_and_worker_that_a_test_steps_are_left_alone() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let page = Page::of(bundle.local());
    let before = bundle.clock().now();
    let mut statuses = Vec::new();

    for action in [json!({ "act": "advance", "seconds": 60 }), json!({ "act": "kill-worker" })] {
        let answer = page.http.post(format!("{}/chat/act", page.url)).json(&action).send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }

    assert_eq!(statuses, [409, 409]);
    assert_eq!(bundle.clock().now(), before);
    bundle.end().await;
}

#[tokio::test]
async fn other_origins_can_neither_read_nor_write() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let page = Page::of(bundle.local());
    let (url, http) = (page.url, page.http);
    let mut statuses = Vec::new();

    for (name, value) in [
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("x-forwarded-host", "127.0.0.1"),
    ] {
        for path in ["", "/chat/log", "/chat/jobs", "/page/main.js"] {
            let answer = http.get(format!("{url}{path}")).header(name, value).send().await.unwrap();
            statuses.push(answer.status().as_u16());
        }
    }
    let form = http.post(format!("{url}/chat/act")).body(r#"{"act":"remove-faults"}"#).send().await.unwrap();

    assert_eq!(statuses, [403; 20]);
    assert_eq!(form.status(), 415);
    bundle.end().await;
}
