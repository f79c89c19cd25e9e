//! The transcript: every call of the agent to the connector, what came of it, and a way to wait for messages.
//! Messages to the agent are not in it.

use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::lock::lock;

/// What a call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A conversation was created or found; its first activity, if any, is shown.
    Created,
    /// An activity is shown.
    Sent,
    /// An activity shows something else now.
    Updated,
    /// An activity is gone.
    Deleted,
    /// Nothing; something was asked.
    Read,
    /// Nothing; the call was refused.
    Refused,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptEntry {
    /// When it was decided, on the channel's clock.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path and query as they came, still encoded.
    pub path: String,
    /// The conversation it was about, or that it made.
    pub conversation: Option<String>,
    /// The activity it was about, or that it made.
    pub activity_id: Option<String>,
    /// The activity it carried; null for none.
    pub activity: Value,
    /// What a creation asked for; null for every other call.
    pub parameters: Value,
    /// What it changed.
    pub effect: Effect,
    /// The status it was answered with; `None` when the connection was closed instead.
    pub status: Option<u16>,
}

impl TranscriptEntry {
    /// Whether it made a message visible, new or changed.
    #[must_use]
    pub fn shows_message(&self) -> bool {
        let shows = matches!(self.effect, Effect::Created | Effect::Sent | Effect::Updated);
        shows && self.activity["type"] == "message"
    }
}

/// All calls so far.
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
        // The sender is ours, so the wait cannot fail.
        let _ = self.messages.subscribe().wait_for(|shown| *shown >= count).await;
    }
}
