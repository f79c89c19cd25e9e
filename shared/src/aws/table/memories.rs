//! Store of memories: one versioned record for each conversation.
//!
//! [`crate::agent::memory`] decides what is kept and for how long.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::Timestamp;

use super::item::{Item, from_json, json, missing, number, parsed};
use super::schema::{MEMORY, REVISION, SINGLE, TTL};
use super::versioned::{self, Decision, OnConflict, RecordKey, Versioned};
use super::{StoreError, Table};
use crate::agent::memory::Memory;
use crate::protocol::conversation::ReferenceKey;

/// Store of memories.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{MemoryStore, StoreError};
/// use herald::protocol::conversation::ReferenceKey;
/// use jiff::Timestamp;
///
/// async fn forget(memories: &MemoryStore, conversation: &ReferenceKey, now: Timestamp) -> Result<(), StoreError> {
///     memories.change(conversation, now, |memory| memory.cleared_before(now)).await
/// }
/// ```
#[derive(Debug, Clone)]
pub struct MemoryStore {
    table: Table,
}

#[derive(Default)]
struct Record {
    revision: u64,
    memory: Memory,
    expires_at: Option<Timestamp>,
}

impl Versioned for Record {
    const GET: &'static str = "get memory";
    const PUT: &'static str = "put memory";
    const MAX_ROUNDS: usize = 8;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let put = put.item("memory", json(&self.memory, "memory")?);
        Ok(match self.expires_at {
            Some(at) => put.item(TTL, number(at.as_second())),
            None => put,
        })
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        let revision = parsed(item, REVISION).ok_or_else(|| missing(REVISION))?;
        Ok(Self { revision, memory: from_json(item, "memory")?, expires_at: None })
    }
}

impl MemoryStore {
    /// Returns the store of memories in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Returns the memory of a conversation, without what has expired at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, key: &ReferenceKey, now: Timestamp) -> Result<Memory, StoreError> {
        let record = versioned::read::<Record>(&self.table, &record_key(key)).await?;
        Ok(record.unwrap_or_default().memory.pruned(now))
    }

    /// Applies `change` to the memory of a conversation. It may be called more than once.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the change may have been applied all the same, so it must be idempotent.
    pub async fn change(
        &self,
        key: &ReferenceKey,
        now: Timestamp,
        change: impl Fn(Memory) -> Memory,
    ) -> Result<(), StoreError> {
        let decide = |stored: Option<Record>| {
            let Record { revision, memory: stored, .. } = stored.unwrap_or_default();
            let memory = change(stored.clone()).pruned(now);
            if memory == stored {
                return Decision::Keep(());
            }
            let expires_at = Some(memory.expires_at().unwrap_or(now));
            Decision::Write(Record { revision, memory, expires_at }, ())
        };
        let key = record_key(key);
        versioned::modify(&self.table, &key, OnConflict::ReadAgain, decide).await.map(drop)
    }
}

fn record_key(key: &ReferenceKey) -> RecordKey {
    RecordKey { pk: format!("{MEMORY}{}", key.as_str()), sk: SINGLE.into() }
}
