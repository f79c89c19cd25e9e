//! The state of one streamed answer (docs/protocol.md §6.1, §6.2, §6.5): its text, and whether it is open.

use jiff::{SignedDuration, Timestamp};

use super::refusal::Refusal;

/// Time limit from the first chunk to the final message.
const MAX_LIFE: SignedDuration = SignedDuration::from_secs(120);

/// A stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) conversation: String,
    started_at: Timestamp,
    pub(super) sequence: u64,
    /// The current text, without informative chunks.
    text: String,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Final,
    Cancelled,
}

impl Stream {
    pub(super) fn new(conversation: &str, now: Timestamp, text: &str) -> Self {
        let (conversation, text) = (conversation.to_owned(), text.to_owned());
        Self { conversation, started_at: now, sequence: 1, text, phase: Phase::Open }
    }

    /// Replaces the current text by `text`, which must continue it.
    pub(super) fn extend(&mut self, text: &str) -> Result<(), Refusal> {
        if !text.starts_with(&self.text) {
            return Err(not_allowed("Streamed content should contain the previously streamed content"));
        }
        text.clone_into(&mut self.text);
        Ok(())
    }

    /// Whether the stream accepts chunks.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.phase {
            Phase::Final => Err(not_allowed("The bot has already completed streamed message")),
            Phase::Cancelled => Err(not_allowed("Content stream was canceled by user.")),
            Phase::Open if now.duration_since(self.started_at) > MAX_LIFE => {
                Err(not_allowed("Content stream finished due to exceeded streaming time."))
            }
            Phase::Open => Ok(()),
        }
    }
}

fn not_allowed(message: &str) -> Refusal {
    Refusal::new(403, "ContentStreamNotAllowed", message)
}
