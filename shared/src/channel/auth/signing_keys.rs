//! Signing keys of inbound tokens: cached in memory and in a key cache, else fetched (docs/protocol.md §4.1, §4.3).
//!
//! They are fetched only from the configured address, never from one that a token names.

mod document;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::warn;

pub use self::document::{KeysError, published_keys};
use super::key_cache::{KeyCache, KeySet};
use crate::clock::{Clock, timeout};
use crate::error::error_chain;

/// Age at which keys are fetched again.
const REFRESH_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Age at which keys are no longer used, even if the metadata endpoint is unreachable.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(5 * 24);

/// Least time between two fetches, however many unknown key ids arrive.
const COOL_DOWN: SignedDuration = SignedDuration::from_secs(60);

/// Least time between two fetches while there are no usable keys.
const FIRST_COOL_DOWN: SignedDuration = SignedDuration::from_secs(5);

/// Timeout of a fetch, within the time that an HTTP response may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(4);

/// Timeout of a read or write of the key cache.
const CACHE_TIMEOUT: Duration = Duration::from_secs(1);

/// No usable signing keys: the request can be neither accepted nor rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no usable signing keys: the OpenID metadata could not be read")]
pub struct NoKeys;

/// Signing key.
#[derive(Clone)]
pub struct SigningKey {
    /// Key id (`kid`).
    pub id: String,
    /// Public key.
    pub decoding: DecodingKey,
    /// Channels that the key is endorsed for; empty if the metadata names none.
    pub endorsements: Vec<String>,
    /// Issuer that the key may sign for, with `{tenantid}` for any tenant, if the metadata names one.
    pub issuer: Option<String>,
}

/// Signing keys of one OpenID metadata document.
#[derive(Debug)]
pub struct SigningKeys {
    metadata_url: String,
    http: reqwest::Client,
    shared: Arc<dyn KeyCache>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Vec<SigningKey>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Keys fetched since the last read or write of the key cache.
    unsaved: Option<KeySet>,
}

impl SigningKeys {
    /// Returns the keys of the metadata at `metadata_url`, cached in `shared`; fetches nothing yet.
    #[must_use]
    pub fn new(
        metadata_url: String,
        http: reqwest::Client,
        shared: Arc<dyn KeyCache>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { metadata_url, http, shared, clock, cache: Mutex::default() }
    }

    /// Loads the keys before the first request; a concurrent [`find`](Self::find) waits for them.
    pub async fn warm(&self) {
        let mut cache = self.cache.lock().await;
        if !cache.is_younger(REFRESH_AGE, self.clock.now()) {
            self.load(&mut cache).await;
        }
    }

    /// Returns the key with this `id`; `None` when there is no such key.
    ///
    /// The key cache is read only while memory has no usable keys; an unknown id does not cause a read.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] when no keys were fetched in the last five days, or when `id` is unknown and the last fetch failed,
    /// because it may be the id of a new key.
    pub async fn find(&self, id: &str) -> Result<Option<SigningKey>, NoKeys> {
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        let is_known = cache.keys.iter().any(|key| key.id == id);
        if !(is_known && cache.is_younger(REFRESH_AGE, now)) {
            self.load(&mut cache).await;
            // The cached keys may be recent and yet older than this key.
            if !cache.keys.iter().any(|key| key.id == id) {
                self.fetch(&mut cache).await;
            }
        }
        let found = cache.keys.iter().find(|key| key.id == id).cloned();
        let is_usable = cache.is_younger(MAX_AGE, now);
        match found {
            Some(key) if is_usable => Ok(Some(key)),
            None if is_usable && cache.tried_at <= cache.fetched_at => Ok(None),
            _ => Err(NoKeys),
        }
    }

    /// Stores newly fetched keys in the key cache, for processes that start later.
    ///
    /// A failure is logged; it costs each of them a fetch.
    pub async fn persist_keys(&self) {
        let Some(keys) = self.cache.lock().await.unsaved.take() else {
            return;
        };
        let written = self.shared.put(&self.metadata_url, &keys);
        match timeout(self.clock.as_ref(), CACHE_TIMEOUT, written).await {
            Some(Ok(())) => {}
            Some(Err(error)) => warn!(error = %error_chain(error.as_ref()), "could not store signing keys"),
            None => warn!("could not store signing keys within 1 s"),
        }
    }

    /// Returns the number of keys in memory.
    pub async fn count(&self) -> usize {
        self.cache.lock().await.keys.len()
    }

    /// Loads keys from the key cache while memory has no usable keys, then fetches them unless those were recent.
    async fn load(&self, cache: &mut Cache) {
        let now = self.clock.now();
        if !cache.may_try(now) {
            return;
        }
        if !cache.is_younger(MAX_AGE, now) {
            self.read_shared(cache, now).await;
        }
        if !cache.is_younger(REFRESH_AGE, now) {
            self.fetch(cache).await;
        }
    }

    async fn read_shared(&self, cache: &mut Cache, now: Timestamp) {
        let read = self.shared.get(&self.metadata_url);
        let stored = match timeout(self.clock.as_ref(), CACHE_TIMEOUT, read).await {
            Some(Ok(Some(stored))) => stored,
            Some(Ok(None)) => return,
            Some(Err(error)) => {
                return warn!(error = %error_chain(error.as_ref()), "could not read stored signing keys");
            }
            None => return warn!("could not read stored signing keys within 1 s"),
        };
        // Keys from the future were written by a process whose clock is wrong.
        if stored.fetched_at <= now {
            cache.keys = document::read(&stored.keys);
            cache.fetched_at = Some(stored.fetched_at).filter(|_| !cache.keys.is_empty());
        }
    }

    async fn fetch(&self, cache: &mut Cache) {
        let now = self.clock.now();
        if !cache.may_try(now) {
            return;
        }
        cache.tried_at = Some(now);
        let fetched = document::fetch(&self.http, &self.metadata_url);
        match timeout(self.clock.as_ref(), FETCH_TIMEOUT, fetched).await {
            Some(Ok(keys)) => cache.replace(keys, now),
            Some(Err(error)) => warn!(error = %error_chain(&error), "could not fetch signing keys"),
            None => warn!("could not fetch signing keys within 4 s"),
        }
    }
}

impl Cache {
    fn replace(&mut self, keys: Vec<Value>, now: Timestamp) {
        self.keys = document::read(&keys);
        self.fetched_at = Some(now);
        self.unsaved = Some(KeySet { keys, fetched_at: now });
    }

    fn is_younger(&self, limit: SignedDuration, now: Timestamp) -> bool {
        self.fetched_at.is_some_and(|at| now.duration_since(at) < limit)
    }

    fn may_try(&self, now: Timestamp) -> bool {
        let pause = if self.is_younger(MAX_AGE, now) { COOL_DOWN } else { FIRST_COOL_DOWN };
        self.tried_at.is_none_or(|at| now.duration_since(at) >= pause)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("endorsements", &self.endorsements).finish_non_exhaustive()
    }
}
