//! Injectable time: code that reads the time or waits takes a [`Clock`].
//! Does not parse or format times; `jiff` does.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// A source of time and delays; tests replace it.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns once `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Returns the time since `start` in milliseconds, as a field of a log line.
#[must_use]
pub fn elapsed_ms(clock: &dyn Clock, start: Timestamp) -> i64 {
    i64::try_from(clock.now().duration_since(start).as_millis()).unwrap_or(i64::MAX)
}

/// Runs `work` for at most `limit` and returns its result; drops it and returns `None` on timeout.
pub async fn timeout<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep(limit) => None,
    }
}
