//! Conversations' memories in the table.
//! What is kept and for how long is [`crate::agent::memory`]'s decision.

use jiff::Timestamp;

use super::versioned::{self, Place};
use super::{StoreError, Table};
use crate::agent::memory::Memory;
use crate::protocol::conversation::ReferenceKey;

/// The memories in the table.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    table: Table,
}

impl MemoryStore {
    /// The memories in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// What counts at `now` of what is kept of a conversation.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, key: &ReferenceKey, now: Timestamp) -> Result<Memory, StoreError> {
        let (_, memory) = versioned::read::<Memory>(&self.table, &place(key)).await?;
        Ok(memory.pruned(now))
    }

    /// Makes `change` in what is kept of a conversation. It may be called more than once.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the change may then have been made, and is to be one that can be made twice.
    pub async fn change(
        &self,
        key: &ReferenceKey,
        now: Timestamp,
        change: impl Fn(Memory) -> Memory,
    ) -> Result<(), StoreError> {
        let ends = |memory: &Memory| Some(memory.expires_at().unwrap_or(now).as_second());
        versioned::change(&self.table, &place(key), ends, |memory| change(memory).pruned(now)).await
    }
}

fn place(key: &ReferenceKey) -> Place {
    Place { pk: format!("memory#{}", key.as_str()), attribute: "memory" }
}
