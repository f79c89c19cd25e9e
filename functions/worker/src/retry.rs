//! "Not now": the one way in which work is not settled.
//! How long to wait comes from the channel, the ledger or random.

use std::time::Duration;

use herald::random::Random;
use jiff::Timestamp;

/// Work that is not settled: come back after `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// How long to wait.
    pub wait: Duration,
}

impl Later {
    /// In half a minute, when whatever was in the way may be gone.
    pub const FRESH: Self = Self { wait: Duration::from_secs(30) };

    /// Once whoever has it in hand at `now` is done or given up, and after at least one second.
    pub(crate) fn once_free(until: Timestamp, now: Timestamp) -> Self {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Self { wait: wait.max(Duration::from_secs(1)) }
    }

    /// After a random time below 2, 4, 8, … 30 s, and at least one second.
    pub(crate) fn backoff(attempts: u32, random: &Random) -> Self {
        let bound_ms = 1_000_u64.saturating_mul(1 << attempts.min(5)).min(30_000);
        Self { wait: Duration::from_millis(random.below(bound_ms).max(1_000)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_bounds() {
        let random = Random::seeded(7);
        let longest = |attempts| (0..200).map(|_| Later::backoff(attempts, &random).wait).max().unwrap();

        assert!(longest(1) <= Duration::from_secs(2));
        assert!(longest(4) > Duration::from_secs(8));
        assert!(longest(60) <= Duration::from_secs(30));
    }
}
