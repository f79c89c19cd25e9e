//! Rate limits of sends (docs/protocol.md §2): per conversation, and per tenant across all workers.
//!
//! The algorithm is GCRA, the generic cell rate algorithm: each rate keeps one theoretical arrival time, which every send
//! advances by the interval. Pure functions of the stored state and the time; [`crate::aws::table::RateStore`] shares the records.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A rate: `burst` sends at once, and one more every `interval`.
///
/// Any window `w` has at most `burst + w / interval` sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Number of sends that may go out at once when the rate is idle.
    pub burst: u32,
    /// Time after which one more may go out.
    pub interval: Duration,
}

/// Rates of sends in one conversation, within the limits of the channel: 7 in 1 s, 8 in 2 s, 60 in 30 s, 1,800 in an hour.
pub const CONVERSATION: [Rate; 2] = [
    Rate { burst: 6, interval: Duration::from_secs(1) },
    Rate { burst: 300, interval: Duration::from_millis(2_500) },
];

/// Rates of sends in a personal conversation while turns wait for each other there: 2 fewer at once than [`CONVERSATION`],
/// because the answer to the first of them, and its follow-up, reserved nothing.
pub const BURST: [Rate; 2] = [Rate { burst: 4, ..CONVERSATION[0] }, CONVERSATION[1]];

/// Rates of roster requests of a conversation, within the limits of the channel: 14 in 1 s, 16 in 2 s, 120 in 30 s, 3,600 in an hour.
pub const MEMBERS: [Rate; 2] = [
    Rate { burst: 12, interval: Duration::from_millis(500) },
    Rate { burst: 600, interval: Duration::from_millis(1_250) },
];

/// Returns the rate of sends to one tenant: `per_second`, evenly spaced.
#[must_use]
pub fn tenant(per_second: u32) -> [Rate; 1] {
    [Rate { burst: 1, interval: Duration::from_secs(1) / per_second.max(1) }]
}

/// Returns `count` slots from `first` on, as they were reserved together at rates of which one sends evenly.
#[must_use]
pub fn slots_from(first: Timestamp, rates: &[Rate], count: usize) -> Vec<Timestamp> {
    let interval =
        rates.iter().filter(|rate| rate.burst <= 1).map(|rate| rate.interval).max().unwrap_or_default();
    std::iter::successors(Some(first), |slot| Some(plus(*slot, interval))).take(count).collect()
}

/// The state of GCRA: all reservations made so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservations {
    /// Theoretical arrival time (TAT) of each rate: when the rate is idle again.
    #[serde(default)]
    pub theoretical_arrival: Vec<Timestamp>,
    /// Time before which no send goes out, because the channel returned `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
}

impl Reservations {
    /// Reserves `count` sends at `now` or later; returns the new state and when each send may go out.
    #[must_use]
    pub fn reserve(&self, rates: &[Rate], count: usize, now: Timestamp) -> (Self, Vec<Timestamp>) {
        let mut after = self.clone();
        after.theoretical_arrival.resize(rates.len(), Timestamp::MIN);
        let earliest = self.paused_until.map_or(now, |until| until.max(now));
        let starts = (0..count).map(|_| after.reserve_one(rates, earliest)).collect();
        (after, starts)
    }

    /// Reserves one send and returns its start: an arrival conforms up to `burst - 1` intervals ahead of the theoretical one.
    fn reserve_one(&mut self, rates: &[Rate], earliest: Timestamp) -> Timestamp {
        let conforming = |(rate, theoretical_arrival): (&Rate, &Timestamp)| {
            let ahead = rate.interval.saturating_mul(rate.burst.saturating_sub(1));
            minus(*theoretical_arrival, ahead)
        };
        let start =
            rates.iter().zip(&self.theoretical_arrival).map(conforming).fold(earliest, Timestamp::max);
        for (rate, theoretical_arrival) in rates.iter().zip(&mut self.theoretical_arrival) {
            *theoretical_arrival = plus((*theoretical_arrival).max(start), rate.interval);
        }
        start
    }

    /// Returns the state with a pause until `until`, unless a longer pause is set.
    #[must_use]
    pub fn paused(&self, until: Timestamp) -> Self {
        let paused_until = Some(self.paused_until.map_or(until, |current| current.max(until)));
        Self { paused_until, ..self.clone() }
    }

    /// Returns the end of the pause at `now`; `None` where there is none.
    #[must_use]
    pub fn pause_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Returns when the state stops having an effect; `None` when it is empty.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.theoretical_arrival.iter().copied().chain(self.paused_until).max()
    }
}

fn plus(at: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|time| at.checked_add(time).ok()).unwrap_or(Timestamp::MAX)
}

fn minus(at: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|time| at.checked_sub(time).ok()).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Limits of the channel for one conversation, as pairs of seconds and sends.
    const WINDOWS: [(i64, usize); 4] = [(1, 7), (2, 8), (30, 60), (3_600, 1_800)];

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    /// Returns the maximum number of sends in any window of `seconds`.
    fn most_in(starts: &[Timestamp], seconds: i64) -> usize {
        let window = SignedDuration::from_secs(seconds);
        let within = |from: &Timestamp| {
            starts.iter().filter(|start| *start >= from && start.duration_since(*from) < window).count()
        };
        starts.iter().map(within).max().unwrap_or(0)
    }

    fn starts_of(rates: &[Rate], requests: &[(i64, usize)]) -> Vec<Timestamp> {
        let mut reserved = Reservations::default();
        let mut all = Vec::new();
        for (milliseconds, count) in requests {
            let (after, starts) = reserved.reserve(rates, *count, at(*milliseconds));
            reserved = after;
            all.extend(starts);
        }
        all
    }

    #[test]
    fn first_send_starts_at_once() {
        let (_, starts) = Reservations::default().reserve(&CONVERSATION, 1, at(0));

        assert_eq!(starts, [at(0)]);
    }

    #[test]
    fn sends_beyond_the_burst_are_spaced() {
        let starts = starts_of(&CONVERSATION, &[(0, 10)]);

        let seconds: Vec<_> = starts.iter().map(|start| start.duration_since(at(0)).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn conversation_rate_stays_within_all_channel_limits() {
        let starts = starts_of(&CONVERSATION, &[(0, 2_000)]);

        for (seconds, most) in WINDOWS {
            assert!(most_in(&starts, seconds) <= most, "{seconds} s: {}", most_in(&starts, seconds));
        }
    }

    #[test]
    fn burst_leaves_room_for_two_sends_that_reserve_nothing() {
        let starts = starts_of(&BURST, &[(0, 2_000)]);

        for (seconds, most) in WINDOWS {
            assert!(most_in(&starts, seconds) + 2 <= most, "{seconds} s: {}", most_in(&starts, seconds));
        }
    }

    #[test]
    fn roster_rate_stays_within_all_channel_limits() {
        let starts = starts_of(&MEMBERS, &[(0, 4_000)]);

        for (seconds, most) in [(1, 14), (2, 16), (30, 120), (3_600, 3_600)] {
            assert!(most_in(&starts, seconds) <= most, "{seconds} s: {}", most_in(&starts, seconds));
        }
    }

    #[test]
    fn tenant_rate_spaces_sends_evenly() {
        let starts = starts_of(&tenant(40), &[(0, 10), (0, 10), (5, 30), (900, 10)]);

        assert_eq!(starts.last().unwrap().duration_since(at(0)).as_millis(), 59 * 25);
        assert_eq!(most_in(&starts, 1), 40);
    }

    #[test]
    fn pause_delays_sends_and_a_shorter_pause_does_not_end_it() {
        let paused = Reservations::default().paused(at(7_000)).paused(at(2_000));

        let (_, starts) = paused.reserve(&tenant(40), 2, at(0));

        assert_eq!(starts, [at(7_000), at(7_025)]);
        assert_eq!(paused.reserve(&tenant(40), 1, at(8_000)).1, [at(8_000)]);
    }

    proptest! {
        #[test]
        fn random_requests_never_exceed_a_channel_limit(gaps in prop::collection::vec((0_i64..20_000, 1_usize..9), 1..80)) {
            let mut now = 0;
            let requests: Vec<_> = gaps.iter().map(|(gap, count)| { now += gap; (now, *count) }).collect();

            let starts = starts_of(&CONVERSATION, &requests);

            for (seconds, most) in WINDOWS {
                prop_assert!(most_in(&starts, seconds) <= most);
            }
            prop_assert_eq!(starts.len(), requests.iter().map(|(_, count)| count).sum::<usize>());
        }
    }
}
