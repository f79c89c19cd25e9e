//! Streams: a response shown while it is generated (docs/protocol.md §6). Decides what is sent next, and when.
//! Pure functions of the stream, the latest progress and the time; the worker sends.
//!
//! Only the first chunk and the response are recorded as sends of a job: every chunk repeats all text before it, so a lost
//! one needs no retry.

mod chunk_activity;
mod finish;
mod liveness;
mod surface;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::chunk_activity::Chunk;
pub use self::finish::{Answer, Finish, SkipReason, fit_answer};
pub use self::liveness::{ABANDON_AFTER, SILENCE_LIMIT};
pub use self::surface::Surface;
use crate::agent::progress::Snapshot;
use crate::protocol::channel_error::{ConnectorError, RejectionReason, Retry};
use crate::protocol::ids::ActivityId;
use crate::protocol::message_split::split_text;
use crate::protocol::text::streamable;

/// Silence after which a keep-alive chunk is sent: two of them may be lost within the channel's limit of 45 s.
pub const KEEP_ALIVE: SignedDuration = SignedDuration::from_secs(18);

/// Age at which a stream is closed and its answer sent separately: Copilot ends streams after 105 s, Teams after 120 s.
pub const CLOSE_AFTER: SignedDuration = SignedDuration::from_secs(100);

/// No new request starts within this margin before [`CLOSE_AFTER`], so that one request ends about then.
const CLOSE_MARGIN: SignedDuration = SignedDuration::from_secs(6);

/// Age at which a stream is treated as ended by the channel, and is not closed any more.
const EXPIRE_AFTER: SignedDuration = SignedDuration::from_secs(115);

/// Minimum time between two requests on every surface.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// HTTP status of a response to a chunk of a stream that the user stopped (docs/protocol.md §6.5).
const GONE: u16 = 410;

/// Maximum length of a status, in characters (docs/protocol.md §1.9).
pub const MAX_STATUS: usize = 1_000;

/// Maximum text of a stream, in bytes of UTF-16 as JSON; with the other members it fits one activity.
const MAX_TEXT_BYTES: usize = 24 * 1024;

/// The state of a stream after its latest chunk.
///
/// # Examples
///
/// ```
/// use herald::agent::Progress;
/// use herald::protocol::ids::ActivityId;
/// use herald::streaming::{Chunk, Step, Stream, Surface};
///
/// let stream = Stream::new(
///     Surface::Teams,
///     ActivityId::new("1:stream")?,
///     "Asking the shop…".to_owned(),
///     "2026-11-23T09:00:00Z".parse()?,
/// );
/// let progress = Progress::default();
/// progress.push_text("The shop has ");
///
/// let step = stream.next(&progress.latest(), "2026-11-23T09:00:05Z".parse()?);
///
/// assert_eq!(step, Step::Send(Chunk::Text("The shop has ".to_owned())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The surface that shows it.
    pub surface: Surface,
    /// The stream's id: the activity id of its first chunk.
    pub id: ActivityId,
    /// When the request of its first chunk started.
    pub started_at: Timestamp,
    /// The sequence number of its last chunk.
    pub sequence: u32,
    /// When the last request completed or timed out.
    pub last_request: Timestamp,
    /// When the channel last accepted a chunk; its limit on silence counts from then.
    #[serde(default)]
    pub last_ack: Timestamp,
    /// Time before which no request is sent, because the channel returned `Retry-After`.
    pub not_before: Timestamp,
    /// Whether the channel accepts no more text; the stream is then closed with the text it has.
    #[serde(default)]
    pub is_full: bool,
    /// The status last shown.
    pub status: String,
    /// The text last sent; the next chunk must start with it.
    pub sent_text: String,
    /// The reason for the end of the stream; `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// The reason for the end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It was closed in time; its answer is sent separately.
    HandedOver,
    /// The channel ended it.
    EndedByChannel,
    /// The user pressed Stop.
    StoppedByUser,
}

/// The next step of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Waits until this time, or until the task reports progress.
    Wait(Timestamp),
    /// Sends this chunk.
    Send(Chunk),
    /// Does nothing, because the stream has ended.
    Ended,
}

impl Stream {
    /// Returns the stream `id` whose first chunk, with `status`, was requested at `started_at`.
    #[must_use]
    pub fn new(surface: Surface, id: ActivityId, status: String, started_at: Timestamp) -> Self {
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

    /// Returns the earliest time of the next chunk; progress before then waits.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        later(self.last_request, self.surface.min_interval()).max(self.not_before)
    }

    /// Returns the next step at `now`, given the latest progress of the task.
    #[must_use]
    pub fn next(&self, latest: &Snapshot, now: Timestamp) -> Step {
        if self.end.is_some() {
            return Step::Ended;
        }
        let close_at = later(self.started_at, CLOSE_AFTER);
        let due = self.due();
        if self.is_full || now >= later(self.started_at, CLOSE_AFTER - CLOSE_MARGIN) {
            return self.next_close(if self.is_full { due } else { close_at }, now);
        }
        let keep_alive_at = later(self.last_ack, KEEP_ALIVE).max(due);
        // A mention in a stream has no entity.
        let text = streamable(&latest.text);
        let text = fit_text(&text);
        let status =
            latest.status.as_deref().map(truncate_status).filter(|status| self.is_new_status(status));
        // The channel treats blank text as empty.
        let chunk = if text.len() > self.sent_text.len() && !text.trim().is_empty() {
            Some(Chunk::Text(text.to_owned()))
        } else {
            status.map(|status| Chunk::Status(status.to_owned()))
        };
        match chunk {
            Some(chunk) if now >= due => Step::Send(chunk),
            Some(_) => Step::Wait(due.min(close_at)),
            None if now >= keep_alive_at => Step::Send(self.keep_alive()),
            None => Step::Wait(keep_alive_at.min(close_at)),
        }
    }

    /// Returns the next step of a stream that sends no more chunks than the closing one.
    fn next_close(&self, close_at: Timestamp, now: Timestamp) -> Step {
        let expires_at = later(self.started_at, EXPIRE_AFTER);
        let due = close_at.max(later(self.last_request, MIN_INTERVAL)).max(self.not_before).min(expires_at);
        match now {
            now if now >= expires_at => Step::Ended,
            now if now >= due => Step::Send(Chunk::Close),
            _ => Step::Wait(due),
        }
    }

    /// Returns the stream after the request of `chunk` returned `response` at `now`.
    ///
    /// A chunk that may be lost is not resent: the next one contains its text.
    #[must_use]
    pub fn after(self, chunk: &Chunk, response: Result<(), &ConnectorError>, now: Timestamp) -> Self {
        let sequence = self.sequence.saturating_add(u32::from(!matches!(chunk, Chunk::Close)));
        let requested = Self { sequence, last_request: now, ..self };
        let accepted = match chunk {
            Chunk::Status(status) => Self { status: status.clone(), ..requested.clone() },
            Chunk::Text(sent_text) => Self { sent_text: sent_text.clone(), ..requested.clone() },
            Chunk::Close => Self { end: Some(End::HandedOver), ..requested.clone() },
        };
        let Err(error) = response else { return Self { last_ack: now, ..accepted } };
        let end = |end| Self { end: Some(end), ..requested.clone() };
        let retry_after = |wait: SignedDuration| Self { not_before: later(now, wait), ..requested.clone() };
        match (error.rejection(), error.retry()) {
            (Some(RejectionReason::StreamStopped), _) => end(End::StoppedByUser),
            // Microsoft's own client treats this as Stop.
            (Some(RejectionReason::Other), _)
                if matches!(error, ConnectorError::Rejected { status: GONE, .. }) =>
            {
                end(End::StoppedByUser)
            }
            // A previous close succeeded and its reply was lost.
            (Some(RejectionReason::StreamComplete), _) if *chunk == Chunk::Close => accepted,
            // The stream is still open, and its text stays.
            (Some(RejectionReason::TooLarge | RejectionReason::StreamBroken), _)
                if *chunk != Chunk::Close =>
            {
                Self { is_full: true, ..requested }
            }
            (Some(_), _) | (None, Retry::Never) => end(End::EndedByChannel),
            (None, Retry::After(wait)) => retry_after(signed(wait).max(MIN_INTERVAL)),
            (None, Retry::Backoff) => retry_after(MIN_INTERVAL),
            // The chunk may have been shown, so the next one must start with its text.
            (None, Retry::WithinResendBudget(_)) => accepted,
        }
    }

    /// Returns a chunk that repeats the current status or text, so that the stream is not silent.
    fn keep_alive(&self) -> Chunk {
        if self.sent_text.is_empty() {
            Chunk::Status(self.status.clone())
        } else {
            Chunk::Text(self.sent_text.clone())
        }
    }

    /// Whether `status` differs from the current one and the stream has no text yet.
    fn is_new_status(&self, status: &str) -> bool {
        self.sent_text.is_empty() && !status.trim().is_empty() && status != self.status
    }
}

/// Returns the longest prefix of `text` that fits one activity.
#[must_use]
pub fn fit_text(text: &str) -> &str {
    split_text(text, MAX_TEXT_BYTES).into_iter().next().unwrap_or_default()
}

/// Returns `text` truncated to the maximum length of a status.
#[must_use]
pub fn truncate_status(text: &str) -> &str {
    text.char_indices().nth(MAX_STATUS).map_or(text, |(end, _)| text.split_at(end).0)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait).unwrap_or(CLOSE_AFTER)
}

// Streamed text is personal data and must not be logged.
impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Stream");
        debug.field("surface", &self.surface).field("sequence", &self.sequence).field("end", &self.end);
        debug.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
