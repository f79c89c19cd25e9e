//! Key cache: the interface of a shared store of signing keys (docs/protocol.md §4.3).

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::BoxError;

/// Fetched key set.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySet {
    /// JSON Web Keys.
    pub keys: Vec<Value>,
    /// Time of the fetch.
    pub fetched_at: Timestamp,
}

/// Stores the last good key set of each metadata document for processes that start later.
#[async_trait]
pub trait KeyCache: fmt::Debug + Send + Sync {
    /// Returns the last good keys of the metadata at `metadata_url`.
    ///
    /// # Errors
    ///
    /// When the cache cannot be reached or its entry cannot be read.
    async fn get(&self, metadata_url: &str) -> Result<Option<KeySet>, BoxError>;

    /// Replaces the keys of the metadata at `metadata_url`.
    ///
    /// # Errors
    ///
    /// When the cache cannot be reached.
    async fn put(&self, metadata_url: &str, keys: &KeySet) -> Result<(), BoxError>;
}

/// Stores nothing, so that every process fetches its keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyCache;

#[async_trait]
impl KeyCache for NoKeyCache {
    async fn get(&self, _metadata_url: &str) -> Result<Option<KeySet>, BoxError> {
        Ok(None)
    }

    async fn put(&self, _metadata_url: &str, _keys: &KeySet) -> Result<(), BoxError> {
        Ok(())
    }
}
