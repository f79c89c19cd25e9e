//! The agenda: work that is due later than a queue can hold it back, or that a queue did not take.
//! It says what is due when and which minutes to look at; [`crate::aws::table::TimerStore`] keeps it.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::hash;

/// How far ahead the tick looks: what is due by then waits the rest of its time in its queue.
pub const HORIZON: Duration = Duration::from_secs(180);

/// Parts of one minute, so that a minute everybody chose is no hot key.
pub const SHARDS: u8 = 4;

/// Minutes behind the present that every tick looks at again: a clock that is slow may still write into them.
const OVERLAP: i64 = 2;

/// Where the first tick of all begins, in minutes before the present.
const FIRST_LOOK: i64 = 15;

/// Work that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Names it: putting the same work down twice is putting it down once.
    pub id: String,
    /// When it is to be done; not before.
    pub due: Timestamp,
    /// Where it goes then.
    pub queue: QueueTarget,
    /// The body of the message.
    pub body: String,
}

/// The queue that work goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueTarget {
    /// Turns: behind the others of `group`, once per `dedupe` id.
    Turns {
        /// The conversation.
        group: String,
        /// What a copy is known by.
        dedupe: String,
    },
    /// Tasks.
    Tasks,
    /// Deliveries.
    Deliveries,
}

/// One minute since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute(pub i64);

impl Minute {
    /// The minute that `at` is in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(60))
    }
}

impl Timer {
    /// Work in the `body` of a message, due at `due`.
    #[must_use]
    pub fn new(queue: QueueTarget, body: String, due: Timestamp) -> Self {
        Self { id: hash::sha256(&[&body]), due, queue, body }
    }

    /// The minute it is kept under, written down at `now`: never one that was looked through before.
    #[must_use]
    pub fn minute(&self, now: Timestamp) -> Minute {
        Minute::of(self.due).max(Minute::of(now))
    }

    /// The part of that minute.
    #[must_use]
    pub fn shard(&self) -> u8 {
        self.id.bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte)) % SHARDS
    }

    /// How much of its time is left to wait at `now`; `None` when it is beyond the horizon.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait = Duration::try_from(self.due.duration_since(now)).unwrap_or_default();
        (wait <= HORIZON).then_some(wait)
    }
}

/// The minutes a tick at `now` looks through, `drained` being the last that needs no other look.
///
/// It always goes back far enough for what was written while the last tick ran, and after ticks that were
/// missed as far as they go.
#[must_use]
pub fn minutes(drained: Option<Minute>, now: Timestamp) -> RangeInclusive<i64> {
    let present = Minute::of(now).0;
    let horizon = now.checked_add(SignedDuration::try_from(HORIZON).unwrap_or_default()).unwrap_or(now);
    let first = drained.map_or(present - FIRST_LOOK, |minute| minute.0 + 1);
    first.min(present - OVERLAP)..=Minute::of(horizon).0
}

/// Whether a tick at `now` that looked through `minute` leaves nothing in it for a later one.
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
    fn a_tick_looks_ahead_and_a_little_back() {
        let now = at("2026-11-23T09:00:30Z");
        let present = Minute::of(now).0;

        assert_eq!(minutes(Some(Minute(present - 3)), now), present - 2..=present + 3);
        assert_eq!(minutes(None, now), present - 15..=present + 3);
    }

    #[test]
    fn ticks_that_were_missed_are_made_up_for() {
        let now = at("2026-11-23T09:00:30Z");
        let present = Minute::of(now).0;

        assert_eq!(*minutes(Some(Minute(present - 100)), now).start(), present - 99);
        assert!(is_final(Minute(present - 3), now));
        assert!(!is_final(Minute(present - 2), now));
    }

    #[test]
    fn what_is_due_already_is_kept_under_the_present_minute() {
        let now = at("2026-11-23T09:00:30Z");
        let item = Timer::new(QueueTarget::Tasks, "{}".to_owned(), at("2026-11-23T08:00:00Z"));

        assert_eq!(item.minute(now), Minute::of(now));
        assert_eq!(item.wait(now), Some(Duration::ZERO));
        assert!(item.shard() < SHARDS);
    }

    #[test]
    fn what_is_beyond_the_horizon_waits_on_the_agenda() {
        let item = Timer::new(QueueTarget::Tasks, "{}".to_owned(), at("2026-11-23T09:03:00Z"));

        assert_eq!(item.wait(at("2026-11-23T09:00:00Z")), Some(HORIZON));
        assert_eq!(item.wait(at("2026-11-23T08:59:59Z")), None);
    }
}
