//! The last good signing keys in the table, so that a process that starts need not fetch them (protocol §4.3).
//! How long they are good for is [`crate::auth::SigningKeys`]'s decision.

use jiff::Timestamp;
use serde_json::Value;

use super::item::{ONLY, from_json, json, text};
use super::{StoreError, Table};
use crate::digest;

/// The copies of signing keys.
#[derive(Debug, Clone)]
pub struct KeyStore {
    table: Table,
}

/// A key set as it came, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct KeysCopy {
    /// The keys, as JSON Web Keys.
    pub keys: Vec<Value>,
    /// When they were fetched.
    pub fetched_at: Timestamp,
}

impl KeyStore {
    /// The copies in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The last good keys of the metadata at `metadata_url`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, metadata_url: &str) -> Result<Option<KeysCopy>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name);
        let found = request.key("pk", text(pk(metadata_url))).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get keys", error))?;
        let Some(item) = found.item else { return Ok(None) };
        Ok(Some(KeysCopy { keys: from_json(&item, "keys")?, fetched_at: from_json(&item, "fetched_at")? }))
    }

    /// Keeps `copy` in place of the one there was.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put(&self, metadata_url: &str, copy: &KeysCopy) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(metadata_url)))
            .item("sk", text(ONLY))
            .item("keys", json(&copy.keys, "keys")?)
            .item("fetched_at", json(&copy.fetched_at, "fetched_at")?);
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("put keys", error))
    }
}

fn pk(metadata_url: &str) -> String {
    format!("keys#{}", digest::of(&[metadata_url]))
}
