//! The tick: once a minute, moves due timers into the queues.
//! One tick at a time does, under a lease. A timer is queued before it is removed; the claim of its job absorbs the copy of
//! a tick that crashed.

mod lease;
mod mover;

use std::sync::Arc;

use herald::aws::table::{StoreError, TimerStore};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::timers;
use herald::jobs::timers::Partition;
use herald::random::Random;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::{info, warn};

use self::lease::TickLease;
pub(crate) use self::mover::{Mover, ROUND};

/// The result of a tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TickSummary {
    /// Number of timers that were queued and removed.
    pub queued: usize,
    /// Number of timers that a queue did not accept; the next tick retries them.
    pub kept: usize,
    /// Number of unreadable timers, which stay where they are.
    pub unreadable: usize,
}

impl TickSummary {
    fn add(&mut self, other: Self) {
        self.queued += other.queued;
        self.kept += other.kept;
        self.unreadable += other.unreadable;
    }
}

/// Moves due timers into the queues.
#[derive(Clone)]
pub(crate) struct Ticker {
    pub(crate) timers: TimerStore,
    pub(crate) mover: Mover,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

/// How far a partition was read.
enum Extent {
    /// To its end.
    Complete,
    /// Until the tick had to stop.
    Partial,
}

impl Ticker {
    /// Queues timers that are due within the horizon and removes them, unless another tick does. Ends early at `stop_at`; the
    /// next tick continues. Timers queued before an error stay queued.
    pub(crate) async fn tick(&self, stop_at: Option<Timestamp>) -> Result<TickSummary, StoreError> {
        let lease = TickLease::new(self.timers.clone(), self.clock.clone(), self.random.random_id());
        if !lease.acquire().await? {
            info!("another tick moves the timers");
            return Ok(TickSummary::default());
        }
        let lease = Arc::new(lease);
        let moved = Box::pin(self.move_due(&lease, stop_at)).await;
        // The next tick then does not wait for the lease to end.
        if let Err(error) = lease.release().await {
            warn!(error = %error_chain(&error), "could not release the lease of the tick");
        }
        moved
    }

    /// Moves the timers of each minute, its shards side by side.
    async fn move_due(
        &self,
        lease: &Arc<TickLease>,
        stop_at: Option<Timestamp>,
    ) -> Result<TickSummary, StoreError> {
        let now = self.clock.now();
        let partitions = self.timers.partitions(timers::last_minute(now)).await?;
        let mut summary = TickSummary::default();
        for of_minute in partitions.chunk_by(|one, other| one.minute == other.minute) {
            let mut shards = JoinSet::new();
            for partition in of_minute {
                let (ticker, lease, partition) = (self.clone(), lease.clone(), *partition);
                shards.spawn(async move {
                    let moved = ticker.move_partition(partition, now, &lease, stop_at).await;
                    (partition, moved)
                });
            }
            let mut finished = Vec::new();
            let mut failed = None;
            let mut must_stop = false;
            while let Some(done) = shards.join_next().await {
                let joined = |error| StoreError::Unavailable { operation: "move timers", cause: error };
                match done.map_err(|error| joined(error.into())) {
                    Ok((partition, Ok((moved, extent)))) => {
                        summary.add(moved);
                        match extent {
                            // Where a timer was kept, the next tick reads again.
                            Extent::Complete if moved.kept == 0 => finished.push(partition),
                            Extent::Complete => {}
                            Extent::Partial => must_stop = true,
                        }
                    }
                    Ok((_, Err(error))) | Err(error) => failed = Some(error),
                }
            }
            finished.retain(|partition| timers::is_final(partition.minute, now));
            if !finished.is_empty() {
                self.timers.mark_unused(&finished).await?;
            }
            if let Some(error) = failed {
                return Err(error);
            }
            if must_stop {
                warn!("tick ran out of time, or lost its lease; the next one continues");
                break;
            }
        }
        Ok(summary)
    }

    async fn move_partition(
        &self,
        partition: Partition,
        now: Timestamp,
        lease: &TickLease,
        stop_at: Option<Timestamp>,
    ) -> Result<(TickSummary, Extent), StoreError> {
        let mut summary = TickSummary::default();
        let mut next = None;
        loop {
            let due = self.timers.list(partition, next).await?;
            summary.unreadable += due.unreadable;
            // Beyond the horizon: one of the next ticks.
            let ready = due.timers.into_iter().filter(|(timer, _)| timer.wait(now).is_some());
            for round in ready.collect::<Vec<_>>().chunks(ROUND) {
                if stop_at.is_some_and(|at| self.clock.now() >= at) || !lease.keep().await? {
                    return Ok((summary, Extent::Partial));
                }
                let moved = self.mover.move_round(round, now).await?;
                summary.queued += moved;
                summary.kept += round.len() - moved;
            }
            next = due.next;
            if next.is_none() {
                return Ok((summary, Extent::Complete));
            }
        }
    }
}
