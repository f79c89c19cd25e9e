//! Signing keys of whoever issues inbound tokens (protocol §4.1, §4.3): in memory, else in the table, else fetched.
//! They are fetched from the configured address alone, never from one a token names.

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

/// Keys older than this are fetched again.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// Keys older than this are not trusted any more, whatever the metadata endpoint does.
const SILENCE_LIMIT: SignedDuration = SignedDuration::from_hours(5 * 24);

/// At most one fetch in this time, however many unknown keys are asked for.
const COOL_DOWN: SignedDuration = SignedDuration::from_secs(60);

/// The same while there is no key at all.
const FIRST_COOL_DOWN: SignedDuration = SignedDuration::from_secs(5);

/// Longest a fetch may take: within what `inbound` has for its answer.
const FETCH_LIMIT: Duration = Duration::from_secs(4);

/// Longest the table may take.
const TABLE_LIMIT: Duration = Duration::from_secs(1);

/// There are no keys to check a token with: the answer is "not now", never "not you".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no usable signing keys: the OpenID metadata could not be read")]
pub struct NoKeys;

/// One signing key.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name in token headers.
    pub id: String,
    /// Checks signatures.
    pub decoding: DecodingKey,
    /// The channels it may sign for; empty where the metadata does not say.
    pub endorsements: Vec<String>,
    /// The issuer it may sign for, with `{tenantid}` for any tenant; where the metadata says.
    pub issuer: Option<String>,
}

/// The signing keys that one OpenID metadata document names.
#[derive(Debug)]
pub struct SigningKeys {
    metadata_url: String,
    http: reqwest::Client,
    copy: Arc<dyn KeyCache>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Vec<SigningKey>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Fetched since the copy in the table was read or written.
    unkept: Option<KeySet>,
}

impl SigningKeys {
    /// The keys that the metadata at `metadata_url` names, with their copy in a table. Nothing is asked yet.
    #[must_use]
    pub fn new(
        metadata_url: String,
        http: reqwest::Client,
        copy: Arc<dyn KeyCache>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { metadata_url, http, copy, clock, cache: Mutex::default() }
    }

    /// Makes keys ready, for a start that does not wait for the first request; whoever asks meanwhile waits.
    pub async fn warm(&self) {
        let mut cache = self.cache.lock().await;
        if !cache.is_younger(FRESH, self.clock.now()) {
            self.load(&mut cache).await;
        }
    }

    /// The key named `id`; `None` when there is no such key.
    ///
    /// The table is asked only while memory holds nothing usable: an unknown name is no reason to.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] when no key could be had in the last five days, or when `id` is unknown and the last fetch
    /// failed: it may name a new key then.
    pub async fn find(&self, id: &str) -> Result<Option<SigningKey>, NoKeys> {
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        let is_known = cache.keys.iter().any(|key| key.id == id);
        if !(is_known && cache.is_younger(FRESH, now)) {
            self.load(&mut cache).await;
            // The copy in the table may be fresh and older than the key.
            if !cache.keys.iter().any(|key| key.id == id) {
                self.fetch(&mut cache).await;
            }
        }
        let found = cache.keys.iter().find(|key| key.id == id).cloned();
        let is_usable = cache.is_younger(SILENCE_LIMIT, now);
        match found {
            Some(key) if is_usable => Ok(Some(key)),
            None if is_usable && cache.tried_at <= cache.fetched_at => Ok(None),
            _ => Err(NoKeys),
        }
    }

    /// Writes what was fetched since into the table, for processes that start later. A copy that cannot be
    /// written is a fetch more for each of them, and nothing else.
    pub async fn persist_keys(&self) {
        let Some(copy) = self.cache.lock().await.unkept.take() else {
            return;
        };
        let written = self.copy.put(&self.metadata_url, &copy);
        match timeout(self.clock.as_ref(), TABLE_LIMIT, written).await {
            Some(Ok(())) => {}
            Some(Err(error)) => warn!(error = %error_chain(error.as_ref()), "could not keep signing keys"),
            None => warn!("could not keep signing keys within 1 s"),
        }
    }

    /// How many keys there are to check a signature with.
    pub async fn count(&self) -> usize {
        self.cache.lock().await.keys.len()
    }

    /// From the table while memory holds nothing usable, then from the network unless that was fresh.
    async fn load(&self, cache: &mut Cache) {
        let now = self.clock.now();
        if !cache.may_try(now) {
            return;
        }
        if !cache.is_younger(SILENCE_LIMIT, now) {
            self.read_copy(cache, now).await;
        }
        if !cache.is_younger(FRESH, now) {
            self.fetch(cache).await;
        }
    }

    async fn read_copy(&self, cache: &mut Cache, now: Timestamp) {
        let read = self.copy.get(&self.metadata_url);
        let copy = match timeout(self.clock.as_ref(), TABLE_LIMIT, read).await {
            Some(Ok(Some(copy))) => copy,
            Some(Ok(None)) => return,
            Some(Err(error)) => {
                return warn!(error = %error_chain(error.as_ref()), "could not read kept signing keys");
            }
            None => return warn!("could not read kept signing keys within 1 s"),
        };
        // A copy from the future was written by a clock that is wrong.
        if copy.fetched_at <= now {
            cache.keys = document::read(&copy.keys);
            cache.fetched_at = Some(copy.fetched_at).filter(|_| !cache.keys.is_empty());
        }
    }

    async fn fetch(&self, cache: &mut Cache) {
        let now = self.clock.now();
        if !cache.may_try(now) {
            return;
        }
        cache.tried_at = Some(now);
        let fetched = document::fetch(&self.http, &self.metadata_url);
        match timeout(self.clock.as_ref(), FETCH_LIMIT, fetched).await {
            Some(Ok(keys)) => cache.take(keys, now),
            Some(Err(error)) => warn!(error = %error_chain(&error), "could not fetch signing keys"),
            None => warn!("could not fetch signing keys within 4 s"),
        }
    }
}

impl Cache {
    fn take(&mut self, keys: Vec<Value>, now: Timestamp) {
        self.keys = document::read(&keys);
        self.fetched_at = Some(now);
        self.unkept = Some(KeySet { keys, fetched_at: now });
    }

    fn is_younger(&self, limit: SignedDuration, now: Timestamp) -> bool {
        self.fetched_at.is_some_and(|at| now.duration_since(at) < limit)
    }

    fn may_try(&self, now: Timestamp) -> bool {
        let pause = if self.is_younger(SILENCE_LIMIT, now) { COOL_DOWN } else { FIRST_COOL_DOWN };
        self.tried_at.is_none_or(|at| now.duration_since(at) >= pause)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("endorsements", &self.endorsements).finish_non_exhaustive()
    }
}
