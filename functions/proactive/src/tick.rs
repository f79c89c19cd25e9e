//! The tick: once a minute, moves due timers into the queues (design: later).
//! An item is queued before it is taken off; the claim of its job absorbs the copy of a tick that died.

use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;
use herald::error::error_chain;
use herald::jobs::timers;
use herald::jobs::timers::{Minute, QueueTarget, SHARDS, Timer};
use jiff::Timestamp;
use tracing::{error, warn};

use crate::Proactive;

/// What a tick moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Items that are in their queues now.
    pub queued: usize,
    /// Items that a queue did not take; the next tick tries again.
    pub kept: usize,
    /// Items that could not be read and were left where they are.
    pub unreadable: usize,
}

impl Proactive {
    /// Queues the timers that are due within the horizon and removes them. Ends early at `stop_at`; the next
    /// tick continues from there.
    ///
    /// # Errors
    ///
    /// When the timers cannot be read or written; what was queued stays queued.
    pub async fn tick(&self, stop_at: Option<Timestamp>) -> Result<Moved, StoreError> {
        let now = self.clock.now();
        let mut moved = Moved::default();
        for minute in timers::minutes(self.timers.watermark().await?, now).map(Minute) {
            if stop_at.is_some_and(|at| self.clock.now() >= at) {
                warn!("a tick ran out of time: the next one goes on");
                break;
            }
            for shard in 0..SHARDS {
                self.move_shard(minute, shard, now, &mut moved).await?;
            }
            // A minute in which something was kept is looked through again, and so is what comes after it.
            if moved.kept == 0 && timers::is_final(minute, now) {
                self.timers.advance_watermark(minute).await?;
            }
        }
        Ok(moved)
    }

    async fn move_shard(
        &self,
        minute: Minute,
        shard: u8,
        now: Timestamp,
        moved: &mut Moved,
    ) -> Result<(), StoreError> {
        let mut next = None;
        loop {
            let due = self.timers.list(minute, shard, next).await?;
            moved.unreadable += due.unreadable;
            for (timer, key) in due.timers {
                match self.queue_timer(&timer, now).await {
                    // Beyond the horizon: one of the next ticks.
                    None => {}
                    Some(Ok(())) => {
                        self.timers.remove(key).await?;
                        moved.queued += 1;
                    }
                    Some(Err(error)) => {
                        error!(error = %error_chain(&error), "could not queue a timer");
                        moved.kept += 1;
                    }
                }
            }
            next = due.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    async fn queue_timer(&self, timer: &Timer, now: Timestamp) -> Option<Result<(), QueueError>> {
        let wait = timer.wait(now)?;
        let body = timer.body.clone();
        Some(match &timer.queue {
            QueueTarget::Turns { group, dedupe } => self.turns.send_fifo_raw(body, group, dedupe).await,
            QueueTarget::Tasks => self.tasks.send_delayed_raw(body, wait).await,
            QueueTarget::Deliveries => self.deliveries.send_delayed_raw(body, wait).await,
        })
    }
}
