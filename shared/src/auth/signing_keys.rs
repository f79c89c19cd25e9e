//! The channel's signing keys, from its OpenID metadata (protocol §4.1, §4.3).
//! They are fetched from the configured address alone, never from one a token names.

use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::causes;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::warn;

use crate::clock::{Clock, within};
use crate::http;

/// Keys older than this are fetched again.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// Keys older than this are not trusted any more, whatever the metadata endpoint does.
const STALE: SignedDuration = SignedDuration::from_hours(5 * 24);

/// At most one fetch in this time, however many unknown keys are asked for.
const COOL_DOWN: SignedDuration = SignedDuration::from_secs(60);

/// The same while there is no key at all.
const FIRST_COOL_DOWN: SignedDuration = SignedDuration::from_secs(5);

/// Longest a fetch may take: within what `inbound` has for its answer.
const FETCH_LIMIT: Duration = Duration::from_secs(4);

/// Most keys taken from one document.
const MAX_KEYS: usize = 64;

/// There are no keys to check a token with: the answer is "not now", never "not you".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no usable signing keys: the OpenID metadata could not be read")]
pub struct NoKeys;

/// One signing key of the channel.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name in token headers.
    pub id: String,
    /// Checks signatures.
    pub decoding: DecodingKey,
    /// The channels it may sign for; empty where the metadata does not say.
    pub endorsements: Vec<String>,
}

/// The channel's signing keys, kept in memory for a day and refetched when an unknown one is named.
#[derive(Debug)]
pub struct SigningKeys {
    metadata_url: String,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Vec<SigningKey>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl SigningKeys {
    /// The keys that the OpenID metadata at `metadata_url` names. Nothing is fetched yet.
    #[must_use]
    pub fn new(metadata_url: String, http: reqwest::Client, clock: Arc<dyn Clock>) -> Self {
        Self { metadata_url, http, clock, cache: Mutex::default() }
    }

    /// The key named `id`; `None` when the channel has no such key.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] when no key could be read in the last five days.
    pub async fn find(&self, id: &str) -> Result<Option<SigningKey>, NoKeys> {
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        let age = cache.fetched_at.map(|at| now.duration_since(at));
        let known = cache.keys.iter().find(|key| key.id == id).cloned();
        if known.is_some() && age.is_some_and(|age| age < FRESH) {
            return Ok(known);
        }
        let is_usable = age.is_some_and(|age| age < STALE);
        let pause = if is_usable { COOL_DOWN } else { FIRST_COOL_DOWN };
        if cache.tried_at.is_none_or(|at| now.duration_since(at) >= pause) {
            cache.tried_at = Some(now);
            match within(self.clock.as_ref(), FETCH_LIMIT, self.fetch()).await {
                Some(Ok(keys)) => {
                    cache.keys = keys;
                    cache.fetched_at = Some(now);
                }
                Some(Err(error)) => warn!(error = %causes(&error), "could not fetch signing keys"),
                None => warn!("could not fetch signing keys within 4 s"),
            }
        }
        let found = cache.keys.iter().find(|key| key.id == id).cloned();
        match cache.fetched_at {
            // The last fetch failed: a key that is unknown here may be a new one.
            Some(at) if found.is_none() && cache.tried_at > Some(at) => Err(NoKeys),
            Some(at) if now.duration_since(at) < STALE => Ok(found),
            _ => Err(NoKeys),
        }
    }

    async fn fetch(&self) -> Result<Vec<SigningKey>, FetchError> {
        let metadata: Metadata = self.get(&self.metadata_url).await?;
        if origin(&metadata.jwks_uri) != origin(&self.metadata_url) {
            return Err(FetchError::ForeignKeys);
        }
        let set: KeySet = self.get(&metadata.jwks_uri).await?;
        // One odd key does not disable the others.
        let read = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value(key).ok());
        let keys: Vec<_> = read.filter_map(Jwk::into_key).collect();
        if keys.is_empty() { Err(FetchError::Empty) } else { Ok(keys) }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        let answer = self.http.get(url).send().await.map_err(FetchError::Unreachable)?;
        if !answer.status().is_success() {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let body = http::read_body(answer).await.map_err(FetchError::Unreachable)?;
        serde_json::from_slice(&body).map_err(FetchError::Unreadable)
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the endpoint could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the endpoint answered {0}")]
    Status(u16),
    #[error("the document is not what it should be")]
    Unreadable(#[source] serde_json::Error),
    #[error("the metadata names keys on another host")]
    ForeignKeys,
    #[error("the document holds no usable key")]
    Empty,
}

#[derive(Deserialize)]
struct Metadata {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    endorsements: Vec<String>,
}

impl Jwk {
    /// The key, if it is an RSA key for signatures of at least 2,048 bits.
    fn into_key(self) -> Option<SigningKey> {
        let is_for_signatures = self.usage.is_none_or(|usage| usage == "sig");
        let (id, n, e) = (self.kid?, self.n?, self.e?);
        // 2,048 bits are 342 base64url characters.
        if self.kty != "RSA" || !is_for_signatures || n.len() < 342 {
            return None;
        }
        let decoding = DecodingKey::from_rsa_components(&n, &e).ok()?;
        Some(SigningKey { id, decoding, endorsements: self.endorsements })
    }
}

fn origin(url: &str) -> Option<url::Origin> {
    url::Url::parse(url).ok().map(|url| url.origin())
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("endorsements", &self.endorsements).finish_non_exhaustive()
    }
}
