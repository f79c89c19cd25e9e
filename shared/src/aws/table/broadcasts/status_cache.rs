//! Cache of the spec and status that a worker reads before each delivery.
//!
//! Its lifetime bounds how long a pause takes to reach every worker.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::BroadcastStore;
use crate::aws::table::StoreError;
use crate::aws::table::item::missing;
use crate::broadcast::{BroadcastId, Spec, Status};

/// Time for which a cached status is used.
const LIFETIME: SignedDuration = SignedDuration::from_secs(5);

/// Most cached broadcasts, so that a long-lived process does not grow.
const MAX_CACHED: usize = 64;

/// Spec and status of a broadcast as last read.
#[derive(Debug, Clone)]
pub struct CachedStatus {
    /// Spec of the broadcast.
    pub spec: Arc<Spec>,
    /// Status of the broadcast.
    pub status: Status,
    /// Number of consecutive sends that failed.
    pub failures: u32,
    read_at: Timestamp,
}

impl BroadcastStore {
    /// Returns spec and status of the broadcast `id`, at most five seconds old at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn cached_status(
        &self,
        id: &BroadcastId,
        now: Timestamp,
    ) -> Result<Option<CachedStatus>, StoreError> {
        let cached = self.cache().get(id).cloned();
        if let Some(cached) = &cached
            && now.duration_since(cached.read_at) < LIFETIME
        {
            return Ok(Some(cached.clone()));
        }
        let Some(broadcast) = self.state(id).await? else { return Ok(None) };
        let spec = match cached {
            Some(cached) => cached.spec,
            None => Arc::new(self.spec(id).await?.ok_or_else(|| missing("spec"))?),
        };
        let status =
            CachedStatus { spec, status: broadcast.status, failures: broadcast.failures, read_at: now };
        let mut cache = self.cache();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(id.clone(), status.clone());
        Ok(Some(status))
    }

    /// Makes the next call read the record again.
    pub(super) fn expire_cached(&self, id: &BroadcastId) {
        if let Some(cached) = self.cache().get_mut(id) {
            cached.read_at = Timestamp::MIN;
        }
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<BroadcastId, CachedStatus>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
