//! The tick: once a minute, moves due timers into the queues.
//! A timer is queued before it is removed; the claim of its job absorbs the copy of a tick that crashed.

use std::sync::Arc;

use herald::aws::queue::{Queue, QueueError};
use herald::aws::table::{StoreError, TimerStore};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::timers;
use herald::jobs::timers::{Minute, QueueTarget, SHARDS, Timer};
use jiff::Timestamp;
use tracing::{error, warn};

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

/// Moves due timers into the queues.
pub(crate) struct Ticker {
    pub(crate) timers: TimerStore,
    pub(crate) turns: Queue,
    pub(crate) tasks: Queue,
    pub(crate) deliveries: Queue,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Ticker {
    /// Queues timers that are due within the horizon and removes them. Ends early at `stop_at`; the next tick continues.
    /// Timers queued before an error stay queued.
    pub(crate) async fn tick(&self, stop_at: Option<Timestamp>) -> Result<TickSummary, StoreError> {
        let now = self.clock.now();
        let mut summary = TickSummary::default();
        for minute in timers::minutes(self.timers.watermark().await?, now).map(Minute) {
            if stop_at.is_some_and(|at| self.clock.now() >= at) {
                warn!("tick ran out of time; the next one continues");
                break;
            }
            for shard in 0..SHARDS {
                self.move_shard(minute, shard, now, &mut summary).await?;
            }
            // A minute in which a timer was kept is read again, and so is every minute after it.
            if summary.kept == 0 && timers::is_final(minute, now) {
                self.timers.advance_watermark(minute).await?;
            }
        }
        Ok(summary)
    }

    async fn move_shard(
        &self,
        minute: Minute,
        shard: u8,
        now: Timestamp,
        summary: &mut TickSummary,
    ) -> Result<(), StoreError> {
        let mut next = None;
        loop {
            let due = self.timers.list(minute, shard, next).await?;
            summary.unreadable += due.unreadable;
            for (timer, key) in due.timers {
                match self.enqueue(&timer, now).await {
                    // Beyond the horizon: one of the next ticks.
                    None => {}
                    Some(Ok(())) => {
                        self.timers.remove(key).await?;
                        summary.queued += 1;
                    }
                    Some(Err(error)) => {
                        error!(error = %error_chain(&error), "could not queue a timer; the next tick retries it");
                        summary.kept += 1;
                    }
                }
            }
            next = due.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Queues a timer; `None` where it is beyond the horizon.
    async fn enqueue(&self, timer: &Timer, now: Timestamp) -> Option<Result<(), QueueError>> {
        let wait = timer.wait(now)?;
        let body = timer.body.clone();
        Some(match &timer.queue {
            QueueTarget::Turns { group, dedupe } => self.turns.send_fifo_raw(body, group, dedupe).await,
            QueueTarget::Tasks => self.tasks.send_delayed_raw(body, wait).await,
            QueueTarget::Deliveries => self.deliveries.send_delayed_raw(body, wait).await,
        })
    }
}
