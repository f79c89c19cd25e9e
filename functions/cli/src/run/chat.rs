//! The terminal chat: sends each typed line to the agent as a message of a person, and prints the messages of the agent.
//! Activities take the production path: signed, over HTTP, through the queues and back through the connector.

use std::io::{self, BufRead, Write};

use herald::error::error_chain;
use local::channel_emulator::{Channel, Person};
use tokio::sync::mpsc;
use tracing::error;

/// Delivers every line of standard input to the agent, until its end.
pub(super) async fn listen(channel: Channel) {
    let person = default_person(&channel).await;
    let (typed, mut lines) = mpsc::channel(8);
    // A blocking read cannot be cancelled; the thread ends with the process.
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                break;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        if !line.trim().is_empty() {
            deliver(&channel, channel.message(&person, line.trim())).await;
        }
    }
}

/// Prints every message of the agent.
pub(super) async fn show(channel: Channel) {
    let mut shown = 0;
    loop {
        let messages: Vec<_> = channel.entries().into_iter().filter(|entry| entry.shows_message()).collect();
        for message in messages.iter().skip(shown) {
            let text = message.activity["text"].as_str().unwrap_or_default();
            let cards = message.activity["attachments"].as_array().map_or(0, Vec::len);
            let card = if cards > 0 { "  [Adaptive Card]" } else { "" };
            // Ignored: the agent keeps running when the terminal is closed.
            let _ = writeln!(io::stdout(), "agent: {text}{card}");
        }
        shown = messages.len();
        channel.wait_for(shown + 1).await;
    }
}

/// Returns the first person of the channel; adds one that installed the agent if there is none.
async fn default_person(channel: &Channel) -> Person {
    if let Some(person) = channel.people().into_iter().next() {
        return person;
    }
    let person = channel.add_person("Alex");
    deliver(channel, channel.install(&person)).await;
    person
}

/// Delivers an activity to `inbound`, and logs a rejection.
async fn deliver(channel: &Channel, activity: serde_json::Value) {
    match channel.deliver(activity).await {
        Ok(answer) if answer.status < 300 => {}
        Ok(answer) => error!(status = answer.status, "inbound rejected the activity"),
        Err(error) => error!(error = %error_chain(&error), "could not reach inbound"),
    }
}
