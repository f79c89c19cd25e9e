//! A clock that tests advance. Sockets and the embedded queues use real time: tokio's clock is never paused.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use herald::clock::Clock;
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

/// Yields to the runtime before time passes by itself.
const QUIET: usize = 64;

/// A clock that only tests advance.
#[derive(Debug)]
pub struct TestClock {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    sleepers: Vec<Sleeper>,
}

#[derive(Debug)]
struct Sleeper {
    until: Timestamp,
    asked_for: Duration,
    wake: oneshot::Sender<()>,
}

impl TestClock {
    /// Creates a clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { state: Mutex::new(State { now, sleepers: Vec::new() }), changed: watch::Sender::new(()) }
    }

    /// Advances the clock by `step` and wakes every sleeper that is due.
    pub fn advance(&self, step: Duration) {
        let mut state = self.lock();
        state.now = state.now.checked_add(step).unwrap_or(Timestamp::MAX);
        let now = state.now;
        for sleeper in state.sleepers.extract_if(.., |sleeper| sleeper.until <= now) {
            // The sleeper may have been dropped meanwhile.
            let _ = sleeper.wake.send(());
        }
    }

    /// Waits until a task sleeps for exactly `duration`.
    pub async fn sleeping(&self, duration: Duration) {
        let mut changed = self.changed.subscribe();
        loop {
            let is_asleep = self
                .lock()
                .sleepers
                .iter()
                .any(|sleeper| sleeper.asked_for == duration && !sleeper.wake.is_closed());
            if is_asleep || changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Advances the clock to each sleeper of at most `limit`, in order; never returns.
    pub async fn flow(&self, limit: Duration) {
        let mut changed = self.changed.subscribe();
        loop {
            // Running tasks continue before time passes.
            for _ in 0..QUIET {
                tokio::task::yield_now().await;
            }
            let next = {
                let state = self.lock();
                let awake = |sleeper: &&Sleeper| sleeper.asked_for <= limit && !sleeper.wake.is_closed();
                state.sleepers.iter().filter(awake).map(|sleeper| sleeper.until).min()
            };
            let now = self.lock().now;
            match next {
                Some(until) => self.advance(until.duration_since(now).try_into().unwrap_or_default()),
                None if changed.changed().await.is_err() => return,
                None => {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        let (wake, woken) = oneshot::channel();
        {
            let mut state = self.lock();
            let until = state.now.checked_add(duration).unwrap_or(Timestamp::MAX);
            state.sleepers.push(Sleeper { until, asked_for: duration, wake });
        }
        self.changed.send_replace(());
        // The clock outlives its sleepers; an error would mean that it is gone.
        let _ = woken.await;
    }
}
