//! What the chat page reads of the log of exchanges, and the lines that it adds.

use std::io;
use std::path::PathBuf;

use serde_json::Value;
use tokio::sync::watch;

use super::channel::Channel;
use super::exchange_log::Exchange;

impl Channel {
    /// Keeps every exchange from now on, in `file` if one is given.
    pub(crate) fn keep_exchanges(&self, file: Option<PathBuf>) -> io::Result<()> {
        self.state.exchanges.start(file)
    }

    /// Returns the latest `limit` exchanges after `number`, oldest first.
    pub(crate) fn exchanges_after(&self, number: u64, limit: usize) -> Vec<Exchange> {
        self.state.exchanges.after(number, limit)
    }

    /// Returns the latest `limit` exchanges before `number` of a conversation, or of the threads of a channel.
    pub(crate) fn exchanges_before(&self, number: u64, conversation: &str, limit: usize) -> Vec<Exchange> {
        self.state.exchanges.before(number, conversation, limit)
    }

    /// Returns the activity of the delivery `number`.
    pub(crate) fn delivered_activity(&self, number: u64) -> Option<Value> {
        let entry: Value = serde_json::from_str(&self.state.exchanges.get(number)?.json).ok()?;
        (entry["way"] == "in").then(|| entry["activity"].clone())
    }

    /// Returns the number of the latest exchange, and changes with it.
    pub(crate) fn last_exchange(&self) -> watch::Receiver<u64> {
        self.state.exchanges.last()
    }

    /// Adds a line to the log: what was done on the page.
    pub(crate) fn note(&self, text: &str) {
        self.state.exchanges.note(&self.state.options.clock.now(), text);
    }
}
