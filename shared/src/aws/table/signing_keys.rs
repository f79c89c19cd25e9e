//! Store of the last good signing keys, so that a new process need not fetch them (docs/protocol.md §4.3).
//!
//! [`crate::channel::auth::SigningKeys`] decides how long they are used.

use async_trait::async_trait;

use super::item::{from_json, json, text};
use super::schema::{KEYS, PK, SINGLE, SK};
use super::{StoreError, Table};
use crate::channel::auth::{KeyCache, KeySet};
use crate::error::BoxError;
use crate::hash;

/// Store of signing keys.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use herald::aws::table::{KeyStore, Table};
/// use herald::channel::auth::KeyCache;
///
/// fn cache(table: Table) -> Arc<dyn KeyCache> {
///     Arc::new(KeyStore::new(table))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct KeyStore {
    table: Table,
}

impl KeyStore {
    /// Returns the store of signing keys in `table`.
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
        let found = request.key(PK, text(pk(metadata_url))).key(SK, text(SINGLE)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get keys", error))?;
        let Some(item) = found.item else { return Ok(None) };
        Ok(Some(KeySet { keys: from_json(&item, "keys")?, fetched_at: from_json(&item, "fetched_at")? }))
    }

    async fn put(&self, metadata_url: &str, keys: &KeySet) -> Result<(), BoxError> {
        let request = self
            .table
            .put(pk(metadata_url), SINGLE)
            .item("keys", json(&keys.keys, "keys")?)
            .item("fetched_at", json(&keys.fetched_at, "fetched_at")?);
        request.send().await.map_err(|error| StoreError::unavailable("put keys", error))?;
        Ok(())
    }
}

fn pk(metadata_url: &str) -> String {
    format!("{KEYS}{}", hash::sha256(&[metadata_url]))
}
