//! The transcript: every call of the agent to the connector, with its effect; callers can wait for messages.
//! Messages to the agent are in `deliveries`.

use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::lock::lock;

/// The effect of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A conversation was created or found, and its first activity, if any, was sent.
    Created,
    /// An activity was sent.
    Sent,
    /// An activity was updated.
    Updated,
    /// An activity was deleted.
    Deleted,
    /// The call only read.
    Read,
    /// The call was rejected.
    Refused,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptEntry {
    /// The time, on the clock of the channel.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path and query, still encoded.
    pub path: String,
    /// The conversation of the call, or the created one.
    pub conversation: Option<String>,
    /// The activity of the call, or the created one.
    pub activity_id: Option<String>,
    /// The activity in the body; null if there is none.
    pub activity: Value,
    /// The parameters of a creation; null for other calls.
    pub parameters: Value,
    /// The effect.
    pub effect: Effect,
    /// The status of the response; `None` if the connection was closed.
    pub status: Option<u16>,
}

impl TranscriptEntry {
    /// Whether the call sent or updated a message.
    #[must_use]
    pub fn shows_message(&self) -> bool {
        let shows = matches!(self.effect, Effect::Created | Effect::Sent | Effect::Updated);
        shows && self.activity["type"] == "message"
    }
}

/// The calls so far.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    entries: Mutex<Vec<TranscriptEntry>>,
    messages: watch::Sender<usize>,
}

impl Transcript {
    pub(super) fn add(&self, entry: TranscriptEntry) {
        let shown = usize::from(entry.shows_message());
        lock(&self.entries).push(entry);
        self.messages.send_modify(|count| *count += shown);
    }

    pub(super) fn entries(&self) -> Vec<TranscriptEntry> {
        lock(&self.entries).clone()
    }

    pub(super) fn texts(&self) -> Vec<String> {
        let entries = lock(&self.entries);
        let messages = entries.iter().filter(|entry| entry.shows_message());
        messages.map(|entry| entry.activity["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(super) async fn wait_for(&self, count: usize) {
        // The sender is owned by this value, so the wait cannot fail.
        let _ = self.messages.subscribe().wait_for(|shown| *shown >= count).await;
    }
}
