//! The breaker of a broadcast: what its sends say of the agent itself, told to the broadcast's record.
//! When that pauses it is the shared decision's.

use herald::aws::table::StoreError;
use herald::broadcast::{Broadcast, BroadcastId, Outcome, Status};
use jiff::Timestamp;
use tracing::error;

use crate::Worker;

impl Worker {
    /// Tells of a delivery that came to `outcome`, for a `reason` that would meet everybody if there is one.
    pub(crate) async fn tell_breaker(
        &self,
        id: &BroadcastId,
        reason: Option<&str>,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let decide = |broadcast: &Broadcast| match reason {
            Some(reason) => (Some(broadcast.failed(reason, now)), broadcast.status),
            None => (broadcast.got_through(), broadcast.status),
        };
        if reason.is_none() {
            // Nothing is read or written where nothing failed before.
            let failures = self.broadcasts.look(id, now).await?.map_or(0, |seen| seen.failures);
            if failures == 0 || outcome != Outcome::Delivered {
                return Ok(());
            }
        }
        let changed = self.broadcasts.change(id, decide).await?;
        Self::note_pause(id, changed.as_ref());
        Ok(())
    }

    /// Logs that a broadcast which stood at this status before is paused now, if it is.
    pub(crate) fn note_pause(id: &BroadcastId, changed: Option<&(Broadcast, Status)>) {
        if let Some((broadcast, Status::Running)) = changed
            && broadcast.status == Status::Paused
        {
            // An alarm watches for this line.
            let reason = broadcast.reason().unwrap_or_default();
            error!(broadcast.id = id.as_str(), "paused a broadcast: {reason}");
        }
    }
}
