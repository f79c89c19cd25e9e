//! Store of broadcasts: the spec and the progress of each, and an entry for each recipient in 16 slices.
//!
//! [`crate::broadcast`] decides about them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::{SignedDuration, Timestamp};

use super::item::{Item, from_json, json, missing, number};
use super::requests::conditional;
use super::schema::{BROADCAST, SPEC, STATE, TTL};
use super::versioned::{self, Decision, OnConflict, Put, RecordKey, Updated, Versioned};
use super::{StoreError, Table};
use crate::broadcast::{Broadcast, BroadcastId, Spec};

mod amendments;
mod entries;
mod open_index;
mod rosters;
mod status_cache;

pub use self::entries::{Counts, Entries, SLICES};
pub use self::rosters::AlreadyExists;
pub use self::status_cache::CachedStatus;

/// Retention of a broadcast and its report.
const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Store of broadcasts.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{BroadcastStore, StoreError};
/// use herald::broadcast::BroadcastId;
///
/// async fn is_known(broadcasts: &BroadcastStore, key: &str) -> Result<bool, StoreError> {
///     let id = BroadcastId::of_key(key);
///     Ok(broadcasts.get(&id).await?.is_some())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct BroadcastStore {
    table: Table,
    cache: Arc<Mutex<HashMap<BroadcastId, CachedStatus>>>,
}

/// Result of opening a broadcast.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "it lives for one opening")]
pub enum Opened {
    /// The broadcast is new.
    New(Broadcast),
    /// A broadcast with this id exists.
    Existing(Box<(Spec, Broadcast)>),
}

impl Versioned for Broadcast {
    const GET: &'static str = "get broadcast";
    const PUT: &'static str = "put broadcast";
    const MAX_ROUNDS: usize = 16;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let opened = self.opened_at().unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(put.item("broadcast", json(self, "broadcast")?).item(TTL, number(expires_at(opened))))
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        from_json(item, "broadcast")
    }

    fn is_stored_as(&self, stored: &Self) -> bool {
        self == stored
    }
}

impl BroadcastStore {
    /// Returns the store of broadcasts in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, cache: Arc::default() }
    }

    /// Opens the broadcast `id` at `now`, unless it exists.
    ///
    /// ```text
    /// open index ──► amendment ──► spec ──► state      crash in between: the tick removes an index entry without a
    ///                                                  broadcast; reports ignore an amendment without a spec
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call returns what exists.
    pub async fn open(&self, id: &BroadcastId, spec: &Spec, now: Timestamp) -> Result<Opened, StoreError> {
        if let Some(existing) = self.get(id).await? {
            return Ok(Opened::Existing(Box::new(existing)));
        }
        self.mark_open(id, now).await?;
        self.mark_amendment(id, spec, now).await?;
        let put = self
            .table
            .put(pk(id), SPEC)
            .item("spec", json(spec, "spec")?)
            .item(TTL, number(expires_at(now)))
            .condition_expression("attribute_not_exists(pk)");
        conditional(put.send().await, "put broadcast")?;
        // The first opener wrote the spec that holds; the state is missing if it crashed, or is about to write it.
        let Some(stored) = self.spec(id).await? else { return Err(missing("spec")) };
        let broadcast = Broadcast::new(id.clone(), now);
        match versioned::put(&self.table, &state_key(id), OnConflict::ReadAgain, broadcast).await? {
            Put::Written(broadcast) if stored == *spec => Ok(Opened::New(broadcast)),
            Put::Written(broadcast) | Put::Conflict(Some(broadcast)) => {
                Ok(Opened::Existing(Box::new((stored, broadcast))))
            }
            Put::Conflict(None) => Err(StoreError::Contended),
        }
    }

    /// Returns the spec and the progress of the broadcast `id`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, id: &BroadcastId) -> Result<Option<(Spec, Broadcast)>, StoreError> {
        let Some(broadcast) = self.state(id).await? else { return Ok(None) };
        let spec = self.spec(id).await?.ok_or_else(|| missing("spec"))?;
        Ok(Some((spec, broadcast)))
    }

    /// Returns the progress of the broadcast `id`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn state(&self, id: &BroadcastId) -> Result<Option<Broadcast>, StoreError> {
        versioned::read(&self.table, &state_key(id)).await
    }

    async fn spec(&self, id: &BroadcastId) -> Result<Option<Spec>, StoreError> {
        let found = self.table.get(pk(id), SPEC, "get broadcast").await?;
        found.map(|item| from_json(&item, "spec")).transpose()
    }

    /// Applies `decide` to the progress of `id` and returns the result with the second value of `decide`.
    ///
    /// `decide` is called again on every conflict. Returns `None` when there is no broadcast.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn change<T>(
        &self,
        id: &BroadcastId,
        decide: impl Fn(&Broadcast) -> (Option<Broadcast>, T),
    ) -> Result<Option<(Broadcast, T)>, StoreError> {
        let decide = |stored: Option<Broadcast>| {
            let Some(stored) = stored else { return Decision::Keep(None) };
            match decide(&stored) {
                (Some(changed), decided) => Decision::Write(changed, decided),
                (None, decided) => Decision::Keep(Some((stored, decided))),
            }
        };
        match versioned::modify(&self.table, &state_key(id), OnConflict::ReadAgain, decide).await? {
            Updated::Written(broadcast, decided) => {
                self.expire_cached(id);
                Ok(Some((broadcast, decided)))
            }
            Updated::Kept(kept) => Ok(kept),
        }
    }
}

fn pk(id: &BroadcastId) -> String {
    format!("{BROADCAST}{}", id.as_str())
}

fn state_key(id: &BroadcastId) -> RecordKey {
    RecordKey { pk: pk(id), sk: STATE.into() }
}

fn expires_at(opened: Timestamp) -> i64 {
    opened.checked_add(RETENTION).unwrap_or(opened).as_second()
}
