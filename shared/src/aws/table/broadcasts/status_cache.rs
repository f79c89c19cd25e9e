//! A broadcast as a worker needs it before each recipient: read now and then, and remembered in between.
//! How old a memory may be is the bound of a pause.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{BroadcastStore, missing};
use crate::aws::table::StoreError;
use crate::broadcast::{BroadcastId, Spec, Status};

/// How long a worker goes by what it read last.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// Most broadcasts remembered, so that a process that lives long does not grow.
const MAX_REMEMBERED: usize = 64;

/// A broadcast as it was read last.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What it is.
    pub spec: Arc<Spec>,
    /// Where it stood.
    pub status: Status,
    /// Sends in a row that failed.
    pub failures: u32,
    read_at: Timestamp,
}

impl BroadcastStore {
    /// The broadcast as a worker needs it: at most five seconds old at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn look(&self, id: &BroadcastId, now: Timestamp) -> Result<Option<Seen>, StoreError> {
        let seen = self.seen().get(id).cloned();
        if let Some(seen) = &seen
            && now.duration_since(seen.read_at) < FRESH
        {
            return Ok(Some(seen.clone()));
        }
        let Some(broadcast) = self.state(id).await? else { return Ok(None) };
        let spec = match seen {
            Some(seen) => seen.spec,
            None => Arc::new(self.spec(id).await?.ok_or_else(|| missing("spec"))?),
        };
        let seen = Seen { spec, status: broadcast.status, failures: broadcast.failures, read_at: now };
        let mut remembered = self.seen();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(id.clone(), seen.clone());
        Ok(Some(seen))
    }

    /// Has the next look read the record again.
    pub(super) fn forget(&self, id: &BroadcastId) {
        if let Some(seen) = self.seen().get_mut(id) {
            seen.read_at = Timestamp::MIN;
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<BroadcastId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
