//! Conversations' memories in the table: read, changed by a pure function, written if nobody was faster.
//! What is kept and for how long is [`crate::memory`]'s decision.

use jiff::Timestamp;

use super::item::{Item, ONLY, from_json, json, number, text};
use super::{StoreError, Table};
use crate::conversation::ReferenceKey;
use crate::memory::Memory;

/// How often a change is made anew when others write in between.
const MAX_ROUNDS: usize = 8;

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
        let (_, memory) = self.read(key).await?;
        Ok(memory.bounded(now))
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
        for _ in 0..MAX_ROUNDS {
            let (revision, there) = self.read(key).await?;
            let memory = change(there.clone()).bounded(now);
            if memory == there || self.put(key, &memory, revision, now).await? {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    async fn read(&self, key: &ReferenceKey) -> Result<(u64, Memory), StoreError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(pk(key))).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get memory", error))?;
        let revision = |item: &Item| item.get("revision")?.as_n().ok()?.parse().ok();
        let Some(item) = found.item else { return Ok((0, Memory::default())) };
        let unreadable = StoreError::Unreadable { attribute: "revision", cause: None };
        Ok((revision(&item).ok_or(unreadable)?, from_json(&item, "memory")?))
    }

    /// Whether it was written, which it is not over another revision.
    async fn put(
        &self,
        key: &ReferenceKey,
        memory: &Memory,
        based_on: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(key)))
            .item("sk", text(ONLY))
            .item("revision", number(based_on + 1))
            .item("memory", json(memory, "memory")?)
            .item("ttl", number(memory.ends().unwrap_or(now).as_second()));
        let request = match based_on {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            _ => request
                .condition_expression("revision = :based_on")
                .expression_attribute_values(":based_on", number(based_on)),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::unavailable("put memory", error)),
        }
    }
}

fn pk(key: &ReferenceKey) -> String {
    format!("memory#{}", key.as_str())
}
