//! The lease of a tick: one tick at a time moves timers. A tick that crashed keeps it for twenty seconds.

use std::sync::{Arc, Mutex, PoisonError};

use herald::aws::table::{StoreError, TimerStore};
use herald::clock::Clock;
use herald::jobs::timers::LEASE_RENEWAL;
use jiff::Timestamp;

/// The lease of one tick.
pub(super) struct TickLease {
    timers: TimerStore,
    clock: Arc<dyn Clock>,
    holder: String,
    renewed_at: Mutex<Timestamp>,
}

impl TickLease {
    pub(super) fn new(timers: TimerStore, clock: Arc<dyn Clock>, holder: String) -> Self {
        let renewed_at = Mutex::new(clock.now());
        Self { timers, clock, holder, renewed_at }
    }

    /// Acquires it; returns `false` while another tick holds it.
    pub(super) async fn acquire(&self) -> Result<bool, StoreError> {
        self.timers.acquire_lease(&self.holder, self.clock.now()).await
    }

    /// Renews it where it is [`LEASE_RENEWAL`] old; returns `false` when it is lost. Called before each round of requests.
    pub(super) async fn keep(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        {
            let mut renewed_at = self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner);
            if now.duration_since(*renewed_at) < LEASE_RENEWAL {
                return Ok(true);
            }
            // The other shards go on meanwhile: the lease is longer than this request.
            *renewed_at = now;
        }
        self.timers.renew_lease(&self.holder, now).await
    }

    /// Ends it.
    pub(super) async fn release(&self) -> Result<(), StoreError> {
        self.timers.release_lease(&self.holder).await
    }
}
