//! When work that is not done is retried: the only error of a handler.
//! The wait comes from the channel, from a lease or from a random backoff.

use std::time::Duration;

use herald::aws::table::StoreError;
use herald::error::error_chain;
use herald::jobs::JobId;
use herald::random::Random;
use jiff::Timestamp;
use tracing::error;

/// Work that is not done and is retried after `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryIn {
    /// How long to wait.
    pub wait: Duration,
}

impl RetryIn {
    /// Half a minute, for a cause of unknown duration.
    pub const DEFAULT: Self = Self { wait: Duration::from_secs(30) };

    /// Waits until a lease that another worker holds at `now` has expired, and at least one second.
    pub(crate) fn after_lease(until: Timestamp, now: Timestamp) -> Self {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Self { wait: wait.max(Duration::from_secs(1)) }
    }

    /// Waits for a random time below 2, 4, 8, … 30 s, and at least one second.
    pub(crate) fn backoff(attempts: u32, random: &Random) -> Self {
        let bound_ms = 1_000_u64.saturating_mul(1 << attempts.min(5)).min(30_000);
        Self { wait: Duration::from_millis(random.below(bound_ms).max(1_000)) }
    }

    /// Logs that the table could not be reached for a job, and backs off.
    pub(crate) fn after_store_error(error: &StoreError, job: &JobId, random: &Random) -> Self {
        error!(error = %error_chain(error), job.id = job.as_str(), "could not reach the table; job will be retried");
        Self::backoff(3, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_within_its_bounds() {
        let random = Random::seeded(7);
        let longest = |attempts| (0..200).map(|_| RetryIn::backoff(attempts, &random).wait).max().unwrap();

        assert!(longest(1) <= Duration::from_secs(2));
        assert!(longest(4) > Duration::from_secs(8));
        assert!(longest(60) <= Duration::from_secs(30));
    }
}
