//! Baseline of the broadcast benchmark: posts the same text into one conversation after the other and records nothing.
//! This is the minimal cost of a broadcast, not a usable implementation: its progress is lost when it ends.

use std::io::BufRead;

use serde_json::{Value, json};
use support::measure::{print, sign_in};
use tokio::task::JoinSet;

/// Posts `text` into all conversations of each input line, `at_a_time` concurrently, and prints a line when it is done.
///
/// Each line is a JSON array of conversation ids.
pub(crate) async fn serve(settings: &Value, text: &str, at_a_time: usize) {
    let http = herald::channel::http::client().unwrap();
    let token = sign_in(&http, settings).await;
    let service_url = settings["service_url"].as_str().unwrap();
    for line in std::io::stdin().lock().lines() {
        let conversations: Vec<String> = serde_json::from_str(&line.unwrap()).unwrap();
        let mut posting = JoinSet::new();
        for conversation in conversations {
            if posting.len() == at_a_time {
                posting.join_next().await.unwrap().unwrap();
            }
            let url = format!("{service_url}v3/conversations/{conversation}/activities");
            let activity = json!({ "type": "message", "text": text, "conversation": { "id": conversation } });
            let post = http.post(url).bearer_auth(&token).json(&activity);
            posting.spawn(async move {
                let posted = post.send().await.and_then(reqwest::Response::error_for_status);
                posted.unwrap().bytes().await.unwrap();
            });
        }
        while let Some(posted) = posting.join_next().await {
            posted.unwrap();
        }
        print("posted");
    }
}
