//! The chat page of the local bundle: its actions reach the agent, and other origins are rejected.

use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

/// Returns the URL of the page.
fn address(bundle: &TestBundle) -> String {
    bundle.local().endpoint().trim_end_matches("/api/messages").to_owned()
}

#[tokio::test]
async fn message_written_on_the_page_is_answered_there() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let (page, http) = (address(&bundle), reqwest::Client::new());
    let alex = bundle.install("Alex").await;
    let message = json!({ "act": "send", "person": alex.id, "text": "hello" });

    let html = http.get(&page).send().await.unwrap();
    let answer = http.post(format!("{page}/chat/act")).json(&message).send().await.unwrap();
    bundle.drain().await;
    let log: Value =
        http.get(format!("{page}/chat/log?called=1")).send().await.unwrap().json().await.unwrap();

    assert!(html.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], 202);
    assert_eq!(log["delivered"][1]["activity"]["text"], "hello");
    assert_eq!(log["called"][0]["activity"]["text"], "Good morning.", "{log}");
    bundle.end().await;
}

#[tokio::test]
async fn other_origins_can_neither_read_nor_write() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Good morning.")).await;
    let (page, http) = (address(&bundle), reqwest::Client::new());
    let mut statuses = Vec::new();

    for (name, value) in [
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("x-forwarded-host", "127.0.0.1"),
    ] {
        for path in ["", "/chat/log"] {
            let answer = http.get(format!("{page}{path}")).header(name, value).send().await.unwrap();
            statuses.push(answer.status().as_u16());
        }
    }
    let form = http.post(format!("{page}/chat/act")).body(r#"{"act":"remove-faults"}"#).send().await.unwrap();

    assert_eq!(statuses, [403; 10]);
    assert_eq!(form.status(), 415);
    bundle.end().await;
}
