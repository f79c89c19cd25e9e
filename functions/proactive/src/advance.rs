//! The lifecycle of broadcasts: a tick advances each open one, and closes those that have ended.
//! `planning` plans them.

use std::sync::Arc;

use herald::aws::table::{BroadcastStore, SLICES, StoreError};
use herald::broadcast::{Broadcast, BroadcastId, Status};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::timers::{Minute, SHARDS};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::planning::{PlanError, Planner};
use crate::timers::{Mover, ROUND};

/// Age at which an index entry without a broadcast is removed: what opened it has crashed.
const ORPHAN_AGE: SignedDuration = SignedDuration::from_hours(1);

/// How long after a cancellation a worker may still park deliveries.
const SETTLE_TIME: SignedDuration = SignedDuration::from_mins(2);

/// Advances broadcasts.
pub(crate) struct Lifecycle {
    pub(crate) planner: Arc<Planner>,
    pub(crate) broadcasts: BroadcastStore,
    pub(crate) mover: Mover,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Lifecycle {
    /// Advances every open broadcast, until `stop_at`, and recounts the stalled ones in the time that is left. One that fails
    /// does not stop the others; each tick begins with a different one.
    pub(crate) async fn advance_all(&self, stop_at: Option<Timestamp>) -> Result<(), StoreError> {
        let mut open = self.broadcasts.list_open().await?;
        if !open.is_empty() {
            let minute = Minute::of(self.clock.now()).0;
            let first = usize::try_from(minute).unwrap_or_default() % open.len();
            open.rotate_left(first);
        }
        for (id, indexed_at) in &open {
            if self.must_stop(stop_at) {
                return Ok(());
            }
            if let Err(error) = Box::pin(self.advance(id, *indexed_at, stop_at)).await {
                error!(error = %error_chain(&error), broadcast.id = id.as_str(), "could not advance a broadcast");
            }
        }
        for (id, _) in &open {
            if let Err(error) = Box::pin(self.recount(id, stop_at)).await {
                error!(error = %error_chain(&error), broadcast.id = id.as_str(), "could not recount a broadcast");
            }
        }
        Ok(())
    }

    fn must_stop(&self, stop_at: Option<Timestamp>) -> bool {
        stop_at.is_some_and(|at| self.clock.now() >= at)
    }

    /// Counts the outcomes of a stalled broadcast from its report, slice by slice, until `stop_at`; the next tick continues.
    async fn recount(&self, id: &BroadcastId, stop_at: Option<Timestamp>) -> Result<(), PlanError> {
        while !self.must_stop(stop_at) {
            let now = self.clock.now();
            let Some(broadcast) = self.broadcasts.state(id).await? else { return Ok(()) };
            let Some(before) = broadcast.next_recount(SLICES, now) else { return Ok(()) };
            let settled = self.broadcasts.recount_slice(id, before.slices).await?.settled();
            let decide = |broadcast: &Broadcast| {
                let recounted = broadcast.record_recount(before, settled, SLICES, now);
                (recounted.clone(), recounted.is_some())
            };
            match self.broadcasts.change(id, decide).await? {
                Some((broadcast, true)) if broadcast.status == Status::Done => {
                    info!(
                        broadcast.id = id.as_str(),
                        recipients = broadcast.recipients(),
                        "broadcast is done"
                    );
                    return Ok(self.broadcasts.mark_closed(id).await?);
                }
                Some((_, true)) => {}
                Some((_, false)) | None => return Ok(()),
            }
        }
        Ok(())
    }

    async fn advance(
        &self,
        id: &BroadcastId,
        indexed_at: Timestamp,
        stop_at: Option<Timestamp>,
    ) -> Result<(), PlanError> {
        let now = self.clock.now();
        let Some(broadcast) = self.broadcasts.state(id).await? else {
            if now.duration_since(indexed_at) > ORPHAN_AGE {
                self.broadcasts.mark_closed(id).await?;
            }
            return Ok(());
        };
        match broadcast.status {
            Status::Paused => self.complete(id).await.map(drop),
            Status::Running => {
                self.release_parked(id).await?;
                let broadcast = self.planner.advance(id, stop_at).await?;
                self.update_progress(&broadcast).await
            }
            Status::Done => Ok(self.broadcasts.mark_closed(id).await?),
            Status::Cancelled => {
                self.release_parked(id).await?;
                let since = broadcast.history.last().map_or(now, |change| change.at);
                if now.duration_since(since) > SETTLE_TIME {
                    self.broadcasts.mark_closed(id).await?;
                }
                Ok(())
            }
        }
    }

    /// Ends the broadcast if all of its recipients are planned and counted with an outcome; returns its state.
    pub(crate) async fn complete(&self, id: &BroadcastId) -> Result<Broadcast, PlanError> {
        let (settled, now) = (self.broadcasts.counts(id).await?.total().settled(), self.clock.now());
        let decide = |broadcast: &Broadcast| match broadcast.complete(settled, now) {
            Some(done) => (Some(done), true),
            None => (None, false),
        };
        let (broadcast, is_done) = self.broadcasts.change(id, decide).await?.ok_or(PlanError::NoBroadcast)?;
        if is_done {
            info!(broadcast.id = id.as_str(), recipients = settled, "broadcast is done");
            self.broadcasts.mark_closed(id).await?;
        }
        Ok(broadcast)
    }

    /// Counts the recipients with an outcome, and ends the broadcast when all of them have one.
    async fn update_progress(&self, broadcast: &Broadcast) -> Result<(), PlanError> {
        let (id, now) = (&broadcast.id, self.clock.now());
        let settled = self.broadcasts.counts(id).await?.total().settled();
        let decide = |broadcast: &Broadcast| (broadcast.update_progress(settled, now), ());
        let updated = self.broadcasts.change(id, decide).await?;
        if updated.is_some_and(|(broadcast, ())| broadcast.status == Status::Done) {
            info!(broadcast.id = id.as_str(), recipients = settled, "broadcast is done");
            self.broadcasts.mark_closed(id).await?;
        }
        Ok(())
    }

    /// Queues the deliveries that were parked while the broadcast was paused, the shards side by side. Those that the queue
    /// does not accept stay parked until the next tick.
    async fn release_parked(&self, id: &BroadcastId) -> Result<(), PlanError> {
        let mut shards = JoinSet::new();
        for shard in 0..SHARDS {
            let (mover, id, now) = (self.mover.clone(), id.clone(), self.clock.now());
            shards.spawn(async move { release_shard(&mover, &id, shard, now).await });
        }
        while let Some(released) = shards.join_next().await {
            let unavailable = |error| StoreError::Unavailable { operation: "release parked", cause: error };
            released.map_err(|error| unavailable(error.into()))??;
        }
        Ok(())
    }
}

async fn release_shard(mover: &Mover, id: &BroadcastId, shard: u8, now: Timestamp) -> Result<(), StoreError> {
    let mut next = None;
    loop {
        let parked = mover.timers.list_parked(id, shard, next).await?;
        for round in parked.timers.chunks(ROUND) {
            mover.move_round(round, now).await?;
        }
        next = parked.next;
        if next.is_none() {
            return Ok(());
        }
    }
}
