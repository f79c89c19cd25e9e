//! Streams: an answer shown while it is being made (docs/protocol.md §6): what is sent next, and when.
//! Pure functions of the stream, the latest word and the time; the worker sends.
//!
//! The ledger knows of the first chunk and of the answer alone: what is lost in between, the next chunk makes up for.

mod chunk;
mod finish;
mod liveness;
mod surface;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::chunk::Chunk;
pub use self::finish::{Answer, Finish, Shown, answer};
pub use self::liveness::{ABANDON_AFTER, SILENCE_LIMIT};
pub use self::surface::Surface;
use crate::agent::progress::Latest;
use crate::protocol::channel_error::{ConnectorError, RejectionReason, Retry};
use crate::protocol::ids::ActivityId;
use crate::protocol::message_size::split_text;

/// Silence after which something is said again: two such chunks may be lost, and the channel's 45 s are not over.
pub const KEEP_ALIVE: SignedDuration = SignedDuration::from_secs(18);

/// Age at which a stream is closed, and its answer left to follow: Copilot ends one after 105 s, Teams after 120.
pub const CLOSE_AFTER: SignedDuration = SignedDuration::from_secs(100);

/// So long before that nothing else is begun, so that one request is over by then or soon after.
const LAST_CHUNK: SignedDuration = SignedDuration::from_secs(6);

/// Age at which nobody tries to close a stream any more, for the channel has.
const GIVE_UP: SignedDuration = SignedDuration::from_secs(115);

/// The least time between two requests, whatever the pace.
const LEAST_GAP: SignedDuration = SignedDuration::from_secs(1);

/// The status of an answer to a chunk that nobody waits for any more (docs/protocol.md §6.5).
const GONE: u16 = 410;

/// Longest status, in characters (docs/protocol.md §1.9).
pub const MAX_STATUS: usize = 1_000;

/// Most of a text that a stream shows, in bytes of UTF-16 as JSON: with what is around it, one activity.
const MAX_TEXT_BYTES: usize = 24 * 1024;

/// One stream, as its chunks left it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Where it is shown.
    pub surface: Surface,
    /// What the channel called its first chunk.
    pub id: ActivityId,
    /// When its first chunk was asked for.
    pub started_at: Timestamp,
    /// The sequence number of its last chunk.
    pub sequence: u32,
    /// When the last request was answered, or given up.
    pub last_request: Timestamp,
    /// When the channel last took something: its own patience counts from there.
    #[serde(default)]
    pub last_ack: Timestamp,
    /// Nothing is sent before this, as the channel asked.
    pub not_before: Timestamp,
    /// Whether the channel takes no more text of it: it is closed with what it shows.
    #[serde(default)]
    pub is_full: bool,
    /// The status last shown.
    pub status: String,
    /// The text last sent; what follows it must begin with it.
    pub sent_text: String,
    /// How it ended, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It was closed in time, and its answer is to follow.
    HandedOver,
    /// The channel ended it.
    EndedByChannel,
    /// The person pressed Stop.
    StoppedByUser,
}

/// What is to be done about a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this moment, unless the task has news.
    Wait(Timestamp),
    /// Send this.
    Send(Chunk),
    /// Nothing any more.
    Ended,
}

impl Stream {
    /// The stream whose first chunk, with `status`, was asked for at `started_at` and got this `id`.
    #[must_use]
    pub fn begun(surface: Surface, id: ActivityId, status: String, started_at: Timestamp) -> Self {
        Self {
            surface,
            id,
            started_at,
            sequence: 1,
            last_request: started_at,
            last_ack: started_at,
            not_before: started_at,
            is_full: false,
            status,
            sent_text: String::new(),
            end: None,
        }
    }

    /// When the channel takes the next chunk: whatever the task says before that makes no difference.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        later(self.last_request, self.surface.gap()).max(self.not_before)
    }

    /// What is to be done at `now`, the task having said `latest`.
    #[must_use]
    pub fn next(&self, latest: &Latest, now: Timestamp) -> Step {
        if self.end.is_some() {
            return Step::Ended;
        }
        let close_at = later(self.started_at, CLOSE_AFTER);
        let due = self.due();
        if self.is_full || now >= later(self.started_at, CLOSE_AFTER - LAST_CHUNK) {
            return self.next_at_the_end(if self.is_full { due } else { close_at }, now);
        }
        let keep_alive_at = later(self.last_ack, KEEP_ALIVE).max(due);
        let text = shown(&latest.text);
        let status = latest.status.as_deref().map(status_of).filter(|status| self.is_news(status));
        // A text of blanks is none to the channel.
        let news = if text.len() > self.sent_text.len() && !text.trim().is_empty() {
            Some(Chunk::Text(text.to_owned()))
        } else {
            status.map(|status| Chunk::Status(status.to_owned()))
        };
        match news {
            Some(chunk) if now >= due => Step::Send(chunk),
            Some(_) => Step::Wait(due.min(close_at)),
            None if now >= keep_alive_at => Step::Send(self.keep_alive()),
            None => Step::Wait(keep_alive_at.min(close_at)),
        }
    }

    /// The same once nothing but the end is left to say.
    fn next_at_the_end(&self, close_at: Timestamp, now: Timestamp) -> Step {
        let give_up_at = later(self.started_at, GIVE_UP);
        let due = close_at.max(later(self.last_request, LEAST_GAP)).max(self.not_before).min(give_up_at);
        match now {
            now if now >= give_up_at => Step::Ended,
            now if now >= due => Step::Send(Chunk::Close),
            _ => Step::Wait(due),
        }
    }

    /// What became of the stream by `chunk`, whose request came to `answer` at `now`.
    ///
    /// What may be lost is not sent again as it was: the next chunk holds all of it.
    #[must_use]
    pub fn after(self, chunk: &Chunk, answer: Result<(), &ConnectorError>, now: Timestamp) -> Self {
        let sequence = self.sequence.saturating_add(u32::from(!matches!(chunk, Chunk::Close)));
        let asked = Self { sequence, last_request: now, ..self };
        let taken = match chunk {
            Chunk::Status(status) => Self { status: status.clone(), ..asked.clone() },
            Chunk::Text(sent_text) => Self { sent_text: sent_text.clone(), ..asked.clone() },
            Chunk::Close => Self { end: Some(End::HandedOver), ..asked.clone() },
        };
        let Err(error) = answer else { return Self { last_ack: now, ..taken } };
        let end = |end| Self { end: Some(end), ..asked.clone() };
        let after = |wait: SignedDuration| Self { not_before: later(now, wait), ..asked.clone() };
        match (error.rejection(), error.retry()) {
            (Some(RejectionReason::StreamStopped), _) => end(End::StoppedByUser),
            // Microsoft's own client takes it for Stop.
            (Some(RejectionReason::Other), _)
                if matches!(error, ConnectorError::Rejected { status: GONE, .. }) =>
            {
                end(End::StoppedByUser)
            }
            // Also what was closed before, its reply lost.
            (Some(RejectionReason::StreamComplete), _) if *chunk == Chunk::Close => taken,
            // It is open still, and what it shows stays.
            (Some(RejectionReason::TooLarge | RejectionReason::StreamBroken), _)
                if *chunk != Chunk::Close =>
            {
                Self { is_full: true, ..asked }
            }
            (Some(_), _) | (None, Retry::Never) => end(End::EndedByChannel),
            (None, Retry::After(wait)) => after(signed(wait).max(LEAST_GAP)),
            (None, Retry::Backoff) => after(LEAST_GAP),
            // It may have been shown: what follows must begin with it.
            (None, Retry::WithinResendBudget(_)) => taken,
        }
    }

    /// The same again, so that the channel hears something.
    fn keep_alive(&self) -> Chunk {
        if self.sent_text.is_empty() {
            Chunk::Status(self.status.clone())
        } else {
            Chunk::Text(self.sent_text.clone())
        }
    }

    /// Whether `status` is worth a chunk: there is nothing but statuses yet, and this is another one.
    fn is_news(&self, status: &str) -> bool {
        self.sent_text.is_empty() && !status.trim().is_empty() && status != self.status
    }
}

/// As much of `text` as one activity holds; a part of a word is shown where there is no more room.
#[must_use]
pub fn shown(text: &str) -> &str {
    split_text(text, MAX_TEXT_BYTES).into_iter().next().unwrap_or_default()
}

/// As much of a status as the channel takes.
#[must_use]
pub fn status_of(text: &str) -> &str {
    text.char_indices().nth(MAX_STATUS).map_or(text, |(end, _)| text.split_at(end).0)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait).unwrap_or(CLOSE_AFTER)
}

// What is streamed to a person is nobody else's.
impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Stream");
        shown.field("surface", &self.surface).field("sequence", &self.sequence).field("end", &self.end);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
