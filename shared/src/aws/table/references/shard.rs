//! Shards: the parts that an audience is listed in, by the first two digits of the key of a person or of a reference.
//!
//! A record of each shard that is in use tells a planner which ones to read. It is written before the first person or
//! reference that the shard lists, and stays:
//!
//! ```text
//! activity    shard in use ──► person, listed          crash in between: a planner reads an empty shard
//! planner                                 shards in use ──► persons of each
//! ```
//!
//! Every person who is stored when the planner reads the shards is in one of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ReferenceStore;
use crate::aws::table::item::string;
use crate::aws::table::schema::{AUDIENCE, SK};
use crate::aws::table::{StoreError, Table};
use crate::broadcast::audience::ConversationKind;

/// One of the 256 parts that an audience is listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard(pub u8);

impl Shard {
    /// Returns all shards.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

/// Shards that this process recorded as in use, by partition key.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownShards(Arc<Mutex<HashSet<(String, Shard)>>>);

impl KnownShards {
    fn lock(&self) -> MutexGuard<'_, HashSet<(String, Shard)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shard that starts to list a record, and is recorded as in use before that is written.
#[derive(Debug, Clone)]
pub(super) struct NewListing {
    pk: String,
    shard: Shard,
    known: KnownShards,
}

impl NewListing {
    /// Records the shard as in use, unless this process did before.
    pub(super) async fn prepare(&self, table: &Table) -> Result<(), StoreError> {
        let key = (self.pk.clone(), self.shard);
        if self.known.lock().contains(&key) {
            return Ok(());
        }
        let request = table.put(self.pk.clone(), &format!("{:02x}", self.shard.0));
        Box::pin(request.send()).await.map_err(|error| StoreError::unavailable("mark shard", error))?;
        self.known.lock().insert(key);
        Ok(())
    }
}

impl ReferenceStore {
    /// Returns the shards in use for conversations of `kind`, in ascending order: those that list some, or did.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn shards(&self, kind: ConversationKind) -> Result<Vec<Shard>, StoreError> {
        let mut shards = Vec::new();
        let mut next = None;
        loop {
            let request = self.table.query(self.shards_pk(kind)).consistent_read(true);
            let page = Box::pin(request.set_exclusive_start_key(next).send()).await;
            let page = page.map_err(|error| StoreError::unavailable("list shards", error))?;
            let of_key = |key: String| u8::from_str_radix(&key, 16).ok().map(Shard);
            shards.extend(page.items().iter().filter_map(|item| of_key(string(item, SK)?)));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Returns the listing in `shard` of conversations of `kind`.
    pub(super) fn new_listing(&self, kind: ConversationKind, shard: Shard) -> NewListing {
        NewListing { pk: self.shards_pk(kind), shard, known: self.known_shards.clone() }
    }

    fn shards_pk(&self, kind: ConversationKind) -> String {
        let kind = match kind {
            ConversationKind::Personal => "personal",
            ConversationKind::GroupChat => "group-chat",
        };
        format!("{AUDIENCE}{}", crate::hash::sha256(&[self.client_id.as_str(), &self.cloud, kind]))
    }
}

/// Returns the shard of a record with this `key`, a hash in hexadecimal digits.
pub(in crate::aws::table) fn shard_of(key: &str) -> Shard {
    Shard(key.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0))
}
