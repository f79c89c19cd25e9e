//! Status of a broadcast, read before its recipients get anything.

use std::sync::Arc;

use herald::aws::table::{BroadcastStore, StoreError};
use herald::broadcast::preferences::Notify;
use herald::broadcast::{BroadcastId, Gate, Spec, Status, gate};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::random::Random;
use tracing::error;

use crate::retry::RetryIn;

/// Whether the next recipient of a broadcast still gets its delivery.
pub(crate) enum ActiveCheck {
    /// Yes, with the content of this spec.
    Active(Option<Arc<Spec>>),
    /// Not now, or not at all.
    Inactive,
}

/// Reads broadcasts.
#[derive(Clone)]
pub(crate) struct Broadcasts {
    pub(crate) store: BroadcastStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

impl Broadcasts {
    /// Checks whether a broadcast is running, by a status that is at most five seconds old.
    pub(crate) async fn check_active(&self, broadcast: Option<&BroadcastId>) -> Result<ActiveCheck, RetryIn> {
        let Some(id) = broadcast else { return Ok(ActiveCheck::Active(None)) };
        let seen = self.store.cached_status(id, self.clock.now()).await;
        // A broadcast that was removed from the table is over.
        let Some(seen) = seen.map_err(|error| self.retry_after_store_error(&error, id))? else {
            return Ok(ActiveCheck::Inactive);
        };
        // Preferences were read when the message was partitioned.
        Ok(match gate(seen.status, Notify::Send) {
            Gate::Send => ActiveCheck::Active(Some(seen.spec)),
            Gate::Park | Gate::Defer { .. } | Gate::Skip { .. } => ActiveCheck::Inactive,
        })
    }

    /// Returns the status of a broadcast and its spec.
    pub(crate) async fn load_status(&self, id: &BroadcastId) -> Result<(Status, Option<Arc<Spec>>), RetryIn> {
        let seen = self.store.cached_status(id, self.clock.now()).await;
        let seen = seen.map_err(|error| self.retry_after_store_error(&error, id))?;
        Ok(seen.map_or((Status::Cancelled, None), |seen| (seen.status, Some(seen.spec))))
    }

    /// Logs that the table could not be reached for a broadcast, and backs off.
    pub(crate) fn retry_after_store_error(&self, error: &StoreError, id: &BroadcastId) -> RetryIn {
        error!(
            error = %error_chain(error),
            broadcast.id = id.as_str(),
            "could not reach the table; deliveries will be retried"
        );
        RetryIn::backoff(3, &self.random)
    }
}
