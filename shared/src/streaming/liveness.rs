//! Liveness of a stream after a crash: until when a worker may resume it, and when it is closed or expired.
//! Does not decide what a live stream sends; [`super`] does.

use jiff::{SignedDuration, Timestamp};

use super::{CLOSE_AFTER, Chunk, EXPIRE_AFTER, End, MIN_INTERVAL, Stream, later};

/// Silence after which an abandoned stream is closed; its answer is sent separately.
pub const ABANDON_AFTER: SignedDuration = SignedDuration::from_secs(35);

/// Silence after which a stream is not resumed, because the channel may have ended it.
pub const SILENCE_LIMIT: SignedDuration = SignedDuration::from_secs(40);

/// Silence after which a stream whose task waits in its queue is kept alive.
const WAITING_INTERVAL: SignedDuration = SignedDuration::from_secs(30);

impl Stream {
    /// Returns when the stream is kept alive, or closed, if no worker has claimed its task by then.
    #[must_use]
    pub fn keep_alive_at(&self) -> Timestamp {
        later(self.last_ack, WAITING_INTERVAL).max(self.due()).min(later(self.started_at, CLOSE_AFTER))
    }

    /// Returns the stream before the request of `chunk` at `now`: whoever sends the next chunk uses a later sequence number,
    /// and does not mistake a closed stream for the answer.
    #[must_use]
    pub fn reserve(&self, chunk: &Chunk, now: Timestamp) -> Self {
        let (sequence, end) = match chunk {
            Chunk::Status(_) | Chunk::Text(_) => (self.sequence.saturating_add(1), self.end),
            Chunk::Close => (self.sequence, Some(End::HandedOver)),
        };
        Self { sequence, end, last_request: now, ..self.clone() }
    }

    /// Whether a worker may resume the stream at `now`.
    #[must_use]
    pub fn can_resume(&self, now: Timestamp) -> bool {
        self.end.is_none() && now.duration_since(self.last_request) < SILENCE_LIMIT
    }

    /// Returns when the stream is closed if no worker resumes it: before the channel ends it for silence.
    #[must_use]
    pub fn abandon_at(&self) -> Timestamp {
        later(self.last_ack, ABANDON_AFTER).max(self.not_before).max(later(self.last_request, MIN_INTERVAL))
    }

    /// Returns the stream at `now`, marked as ended by the channel if it was silent or open for too long.
    #[must_use]
    pub fn expire(self, now: Timestamp) -> Self {
        let is_silent =
            self.surface.ends_silent_streams() && now.duration_since(self.last_ack) >= SILENCE_LIMIT;
        let is_expired = is_silent || now >= later(self.started_at, EXPIRE_AFTER);
        Self { end: self.end.or(is_expired.then_some(End::EndedByChannel)), ..self }
    }
}
