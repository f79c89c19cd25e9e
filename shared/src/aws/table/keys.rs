//! The last good signing keys in the table, so that a process that starts need not fetch them (protocol §4.3).
//! How long they are good for is [`crate::channel::auth::SigningKeys`]'s decision.

use async_trait::async_trait;

use super::item::{ONLY, from_json, json, text};
use super::{StoreError, Table};
use crate::channel::auth::{KeyCache, KeySet};
use crate::error::BoxError;
use crate::hash;

/// The copies of signing keys.
#[derive(Debug, Clone)]
pub struct KeyStore {
    table: Table,
}

impl KeyStore {
    /// The copies in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl KeyCache for KeyStore {
    async fn get(&self, metadata_url: &str) -> Result<Option<KeySet>, BoxError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name);
        let found = request.key("pk", text(pk(metadata_url))).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get keys", error))?;
        let Some(item) = found.item else { return Ok(None) };
        Ok(Some(KeySet { keys: from_json(&item, "keys")?, fetched_at: from_json(&item, "fetched_at")? }))
    }

    async fn put(&self, metadata_url: &str, keys: &KeySet) -> Result<(), BoxError> {
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(metadata_url)))
            .item("sk", text(ONLY))
            .item("keys", json(&keys.keys, "keys")?)
            .item("fetched_at", json(&keys.fetched_at, "fetched_at")?);
        request.send().await.map_err(|error| StoreError::unavailable("put keys", error))?;
        Ok(())
    }
}

fn pk(metadata_url: &str) -> String {
    format!("keys#{}", hash::sha256(&[metadata_url]))
}
