//! A stream that nobody goes on with: who may take it up, when it is closed, and when the channel has given it up.
//! What is sent while somebody has it in hand is said in [`super`].

use jiff::{SignedDuration, Timestamp};

use super::{End, GIVE_UP, LEAST_GAP, Stream, later};

/// Silence after which a stream is closed that nobody goes on with, its answer left to follow.
pub const ABANDON_AFTER: SignedDuration = SignedDuration::from_secs(35);

/// Silence after which nobody goes on with a stream: the channel may have given it up.
pub const SILENCE_LIMIT: SignedDuration = SignedDuration::from_secs(40);

impl Stream {
    /// Whether a worker that picks it up at `now` may go on with it.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.end.is_none() && now.duration_since(self.last_request) < SILENCE_LIMIT
    }

    /// When a stream that nobody goes on with is closed: before the channel gives it up as silent.
    #[must_use]
    pub fn abandon_at(&self) -> Timestamp {
        later(self.last_ack, ABANDON_AFTER).max(self.not_before).max(later(self.last_request, LEAST_GAP))
    }

    /// The stream as its answer finds it at `now`: nobody sees the end of one that the channel gave up as silent.
    #[must_use]
    pub fn expire(self, now: Timestamp) -> Self {
        let is_silent = self.surface.gives_up_silence() && now.duration_since(self.last_ack) >= SILENCE_LIMIT;
        let is_given_up = is_silent || now >= later(self.started_at, GIVE_UP);
        Self { end: self.end.or(is_given_up.then_some(End::EndedByChannel)), ..self }
    }
}
