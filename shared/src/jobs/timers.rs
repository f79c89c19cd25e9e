//! Durable timers: work that is due later than a queue can delay it, or that a queue did not accept.
//!
//! Decides what is due when and which minutes a tick reads; [`crate::aws::table::TimerStore`] stores the timers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::hash;

/// Time that a tick reads ahead; work due by then waits in its queue.
pub const HORIZON: Duration = Duration::from_secs(180);

/// Number of shards of one minute, so that a popular minute is not a hot key.
pub const SHARDS: u8 = 4;

/// Duration of the lease under which a tick moves timers.
pub const LEASE_DURATION: SignedDuration = SignedDuration::from_secs(20);

/// Age at which the lease is renewed.
pub const LEASE_RENEWAL: SignedDuration = SignedDuration::from_secs(5);

/// Minutes before the present that every tick reads again: a slow clock may still write into them.
const OVERLAP: i64 = 2;

/// Work that becomes due.
///
/// # Examples
///
/// ```
/// use herald::jobs::timers::{QueueTarget, Timer};
///
/// let timer = Timer::new(QueueTarget::Tasks, "{}".to_owned(), "2026-11-23T09:00:00Z".parse()?);
///
/// assert_eq!(timer.wait("2026-11-23T08:00:00Z".parse()?), None, "beyond the horizon");
/// assert_eq!(timer.wait("2026-11-23T08:59:00Z".parse()?).map(|wait| wait.as_secs()), Some(60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Id, derived from the work: the same work is stored once.
    pub id: String,
    /// Earliest time of the work.
    pub due: Timestamp,
    /// Queue that receives the work when it is due.
    pub queue: QueueTarget,
    /// Body of the message.
    pub body: String,
}

/// Queue that receives the work of a timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueTarget {
    /// The FIFO queue of turns.
    Turns {
        /// Message group: the conversation.
        group: String,
        /// Deduplication id.
        dedupe: String,
    },
    /// The queue of tasks.
    Tasks,
    /// The queue of deliveries.
    Deliveries,
}

/// Minute since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

impl Minute {
    /// Returns the minute that contains `at`.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(60))
    }
}

/// Part of the timers of one minute, which are stored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The minute.
    pub minute: Minute,
    /// The shard of the minute.
    pub shard: u8,
}

impl Timer {
    /// Returns a timer for the message `body`, due at `due`.
    #[must_use]
    pub fn new(queue: QueueTarget, body: String, due: Timestamp) -> Self {
        Self { id: hash::sha256(&[&body]), due, queue, body }
    }

    /// Returns the minute it is stored under at `now`: never one that ticks have finished.
    #[must_use]
    pub fn minute(&self, now: Timestamp) -> Minute {
        Minute::of(self.due).max(Minute::of(now))
    }

    /// Returns the partition it is stored in at `now`.
    #[must_use]
    pub fn partition(&self, now: Timestamp) -> Partition {
        Partition { minute: self.minute(now), shard: self.shard() }
    }

    /// Returns its shard of that minute.
    #[must_use]
    pub fn shard(&self) -> u8 {
        self.id.bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte)) % SHARDS
    }

    /// Returns the time left until it is due at `now`; `None` when it is beyond the horizon.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait = Duration::try_from(self.due.duration_since(now)).unwrap_or_default();
        (wait <= HORIZON).then_some(wait)
    }
}

/// Returns the last minute that a tick at `now` reads. It reads all that are listed up to it, so that it covers those of
/// missed ticks.
#[must_use]
pub fn last_minute(now: Timestamp) -> Minute {
    let horizon = SignedDuration::try_from(HORIZON).unwrap_or_default();
    Minute::of(now.checked_add(horizon).unwrap_or(now))
}

/// Whether a tick at `now` that read `minute` leaves nothing in it for a later one.
#[must_use]
pub fn is_final(minute: Minute, now: Timestamp) -> bool {
    minute.0 < Minute::of(now).0 - OVERLAP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn tick_reads_three_minutes_ahead_and_finishes_what_no_clock_writes_into() {
        let now = at("2026-11-23T09:00:30Z");
        let present = Minute::of(now).0;

        assert_eq!(last_minute(now), Minute(present + 3));
        assert!(is_final(Minute(present - 3), now));
        assert!(!is_final(Minute(present - 2), now));
    }

    #[test]
    fn an_overdue_timer_is_stored_under_the_present_minute() {
        let now = at("2026-11-23T09:00:30Z");
        let timer = Timer::new(QueueTarget::Tasks, "{}".to_owned(), at("2026-11-23T08:00:00Z"));

        assert_eq!(timer.minute(now), Minute::of(now));
        assert_eq!(timer.wait(now), Some(Duration::ZERO));
        assert!(timer.shard() < SHARDS);
    }

    #[test]
    fn a_timer_beyond_the_horizon_stays_stored() {
        let timer = Timer::new(QueueTarget::Tasks, "{}".to_owned(), at("2026-11-23T09:03:00Z"));

        assert_eq!(timer.wait(at("2026-11-23T09:00:00Z")), Some(HORIZON));
        assert_eq!(timer.wait(at("2026-11-23T08:59:59Z")), None);
    }
}
