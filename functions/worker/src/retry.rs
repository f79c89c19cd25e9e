//! When work that is not done is retried: the only error of a handler.
//! The wait comes from the channel, from a lease or from a random backoff, which grows with every receipt of the message.

use std::time::Duration;

use herald::aws::table::StoreError;
use herald::error::error_chain;
use herald::jobs::JobId;
use herald::random::Random;
use jiff::Timestamp;
use tracing::error;

/// Longest backoff.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// Work that is not done and is retried after `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryIn {
    /// How long to wait.
    pub wait: Duration,
    /// Whether nothing tells when the cause ends, so that each receipt of the message waits longer than the one before.
    pub is_backoff: bool,
}

impl RetryIn {
    /// Half a minute at first, for a cause of unknown duration.
    pub const DEFAULT: Self = Self { wait: Duration::from_secs(30), is_backoff: true };

    /// Waits for `wait`, which the cause gives.
    #[must_use]
    pub const fn after(wait: Duration) -> Self {
        Self { wait, is_backoff: false }
    }

    /// Waits until a lease that another worker holds at `now` has expired, and at least one second.
    pub(crate) fn after_lease(until: Timestamp, now: Timestamp) -> Self {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Self::after(wait.max(Duration::from_secs(1)))
    }

    /// Waits for a random time below 2, 4, 8, … 300 s, and at least one second.
    pub(crate) fn backoff(attempts: u32, random: &Random) -> Self {
        let wait = Duration::from_millis(random.below(bound_ms(attempts))).max(Duration::from_secs(1));
        Self { wait, is_backoff: true }
    }

    /// Returns the retry of work of which one part waits like this and another like `other`.
    pub(crate) fn longer(self, other: Self) -> Self {
        Self { wait: self.wait.max(other.wait), is_backoff: self.is_backoff || other.is_backoff }
    }

    /// Logs that the table could not be reached for a job, and backs off.
    pub(crate) fn after_store_error(error: &StoreError, job: &JobId, random: &Random) -> Self {
        error!(error = %error_chain(error), job.id = job.as_str(), "could not reach the table; job will be retried");
        Self::backoff(3, random)
    }

    /// Returns the wait of a message that was received `receives` times: a backoff takes at least half of 2, 4, 8, …
    /// 300 s. An outage of hours then costs a message fewer receipts than its queue allows.
    pub(crate) fn at_receipt(self, receives: u32, random: &Random) -> Self {
        if !self.is_backoff {
            return self;
        }
        let half = bound_ms(receives) / 2;
        Self { wait: self.wait.max(Duration::from_millis(half + random.below(half))), ..self }
    }
}

/// Returns the upper bound of a backoff, in milliseconds: 2, 4, 8, … 300 s.
fn bound_ms(attempts: u32) -> u64 {
    let longest = u64::try_from(MAX_BACKOFF.as_millis()).unwrap_or(u64::MAX);
    1_000_u64.saturating_mul(1 << attempts.min(9)).min(longest)
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
        assert!(longest(60) <= MAX_BACKOFF);
    }

    #[test]
    fn a_message_outlasts_an_outage_of_a_day_within_its_receipts() {
        let random = Random::seeded(7);
        let waits =
            (1..=1_000).map(|receives| RetryIn::backoff(3, &random).at_receipt(receives, &random).wait);

        let waits: Vec<_> = waits.collect();

        assert!(waits.iter().all(|wait| *wait <= MAX_BACKOFF));
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(24 * 3_600));
        assert!(waits[..3].iter().sum::<Duration>() < Duration::from_secs(30), "a hiccup of the table");
    }

    #[test]
    fn a_wait_that_its_cause_gives_stays_as_it_is() {
        let random = Random::seeded(7);
        let retry = RetryIn::after(Duration::from_secs(3));

        assert_eq!(retry.at_receipt(60, &random), retry);
    }
}
