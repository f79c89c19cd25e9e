//! Broadcasts from tick to tick: each goes on where it was left, and is closed once it is over.
//! Planning itself is `plan`'s.

use herald::aws::table::StoreError;
use herald::broadcast::{Broadcast, BroadcastId, Status};
use herald::error::error_chain;
use herald::jobs::timers::SHARDS;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info};

use crate::Proactive;
use crate::error::PlanError;

/// A note that leads to no broadcast for so long is of an opener that died.
const ORPHANED: SignedDuration = SignedDuration::from_hours(1);

/// For so long after a broadcast was cancelled a worker may still put something aside for it.
const SETTLING: SignedDuration = SignedDuration::from_mins(2);

impl Proactive {
    /// Goes on with every broadcast that is not over. One that cannot go on stops no other.
    ///
    /// # Errors
    ///
    /// When the broadcasts cannot be listed.
    pub async fn go_on(&self, stop_at: Option<Timestamp>) -> Result<(), StoreError> {
        for (id, noted) in self.broadcasts.list_open().await? {
            if stop_at.is_some_and(|at| self.clock.now() >= at) {
                break;
            }
            if let Err(error) = Box::pin(self.go_on_with(&id, noted, stop_at)).await {
                error!(error = %error_chain(&error), broadcast.id = id.as_str(), "could not go on with a broadcast");
            }
        }
        Ok(())
    }

    async fn go_on_with(
        &self,
        id: &BroadcastId,
        noted: Timestamp,
        stop_at: Option<Timestamp>,
    ) -> Result<(), PlanError> {
        let now = self.clock.now();
        let Some(broadcast) = self.broadcasts.state(id).await? else {
            if now.duration_since(noted) > ORPHANED {
                self.broadcasts.close(id).await?;
            }
            return Ok(());
        };
        match broadcast.status {
            Status::Paused => Ok(()),
            Status::Running => {
                self.release(id).await?;
                let broadcast = self.advance(id, stop_at).await?;
                self.follow(&broadcast).await
            }
            Status::Done => Ok(self.broadcasts.close(id).await?),
            Status::Cancelled => {
                self.release(id).await?;
                let since = broadcast.history.last().map_or(now, |change| change.at);
                if now.duration_since(since) > SETTLING {
                    self.broadcasts.close(id).await?;
                }
                Ok(())
            }
        }
    }

    /// Looks how many have an outcome, and ends the broadcast when all have.
    async fn follow(&self, broadcast: &Broadcast) -> Result<(), PlanError> {
        let (id, now) = (&broadcast.id, self.clock.now());
        let settled = match broadcast.is_stalled(now) {
            true => self.broadcasts.recount(id).await?.settled(),
            false => self.broadcasts.counts(id).await?.total().settled(),
        };
        let decide = |broadcast: &Broadcast| (broadcast.update_progress(settled, now), ());
        let followed = self.broadcasts.change(id, decide).await?;
        if followed.is_some_and(|(broadcast, ())| broadcast.status == Status::Done) {
            info!(broadcast.id = id.as_str(), recipients = settled, "a broadcast is done");
            self.broadcasts.close(id).await?;
        }
        Ok(())
    }

    /// Queues what was put aside while the broadcast was paused.
    async fn release(&self, id: &BroadcastId) -> Result<(), PlanError> {
        for shard in 0..SHARDS {
            let mut next = None;
            loop {
                let held = self.agenda.list_held(id, shard, next).await?;
                for (item, place) in held.items {
                    self.deliveries.send_body_after(item.body, std::time::Duration::ZERO).await?;
                    self.agenda.remove(place).await?;
                }
                next = held.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}
