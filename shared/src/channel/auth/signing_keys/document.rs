//! OpenID metadata and its key set: fetches both and decodes the keys one by one (docs/protocol.md §4.1, §4.3).
//!
//! It caches nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::SigningKey;
use crate::channel::http;

/// Most keys decoded from one document.
const MAX_KEYS: usize = 64;

/// Required RSA exponent, 65537, which all keys of the channel have.
const EXPONENT: &str = "AQAB";

/// Accepted lengths of an RSA modulus, in bytes: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Error of fetching signing keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The endpoint did not respond.
    #[error("could not reach the endpoint")]
    Unreachable(#[source] reqwest::Error),
    /// The endpoint responded with an error status.
    #[error("endpoint answered {0}")]
    Status(u16),
    /// The document is not JSON, or lacks a field.
    #[error("malformed document")]
    Unreadable(#[source] serde_json::Error),
    /// The metadata refers to a key set on another host.
    #[error("metadata refers to keys on another host")]
    ForeignKeys,
    /// The key set has no usable key.
    #[error("document has no usable key")]
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
    kid: String,
    n: String,
    e: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    endorsements: Vec<String>,
    #[serde(default)]
    issuer: Option<String>,
}

/// Returns the number of usable keys that the metadata at `metadata_url` publishes now; caches none.
///
/// # Errors
///
/// [`KeysError`].
pub async fn published_keys(http: &reqwest::Client, metadata_url: &str) -> Result<usize, KeysError> {
    Ok(read(&fetch(http, metadata_url).await?).len())
}

/// Fetches the key set of the metadata at `url`, undecoded.
pub(super) async fn fetch(http: &reqwest::Client, url: &str) -> Result<Vec<Value>, KeysError> {
    let metadata: Metadata = get(http, url).await?;
    if origin(&metadata.jwks_uri) != origin(url) {
        return Err(KeysError::ForeignKeys);
    }
    let set: KeySet = get(http, &metadata.jwks_uri).await?;
    if read(&set.keys).is_empty() { Err(KeysError::Empty) } else { Ok(set.keys) }
}

/// Decodes the usable keys; an unusable key does not disable the others.
pub(super) fn read(keys: &[Value]) -> Vec<SigningKey> {
    let jwks = keys.iter().take(MAX_KEYS).filter_map(|key| Jwk::deserialize(key).ok());
    jwks.filter_map(Jwk::into_key).collect()
}

async fn get<T: DeserializeOwned>(http: &reqwest::Client, url: &str) -> Result<T, KeysError> {
    let answer = http.get(url).send().await.map_err(KeysError::Unreachable)?;
    if !answer.status().is_success() {
        return Err(KeysError::Status(answer.status().as_u16()));
    }
    let body = http::read_body(answer).await.map_err(KeysError::Unreachable)?;
    serde_json::from_slice(&body).map_err(KeysError::Unreadable)
}

fn origin(url: &str) -> Option<url::Origin> {
    url::Url::parse(url).ok().map(|url| url.origin())
}

impl Jwk {
    /// Returns the key if it is an RSA key of an accepted size for RS256 signatures.
    fn into_key(self) -> Option<SigningKey> {
        let is = |member: &Option<String>, value: &str| member.as_deref().is_none_or(|it| it == value);
        let modulus = URL_SAFE_NO_PAD.decode(&self.n).ok()?;
        let is_usable = self.kty == "RSA"
            && is(&self.usage, "sig")
            && is(&self.alg, "RS256")
            && self.e == EXPONENT
            && MODULUS_BYTES.contains(&modulus.len())
            && modulus.first().is_some_and(|byte| *byte >= 0x80);
        if !is_usable {
            return None;
        }
        let decoding = DecodingKey::from_rsa_components(&self.n, &self.e).ok()?;
        Some(SigningKey { id: self.kid, decoding, endorsements: self.endorsements, issuer: self.issuer })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(change: impl FnOnce(&mut Value)) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode([0xa5; 256]);
        let mut key = json!({ "kty": "RSA", "use": "sig", "kid": "k", "n": modulus, "e": "AQAB" });
        change(&mut key);
        key
    }

    #[test]
    fn keys_for_other_uses_are_ignored() {
        let odd = [
            key(|key| key["use"] = "enc".into()),
            key(|key| key["kty"] = "EC".into()),
            key(|key| key["alg"] = "RS512".into()),
            key(|key| key["e"] = "AQ".into()),
            key(|key| key["n"] = URL_SAFE_NO_PAD.encode([0xa5; 128]).into()),
            key(|key| key["n"] = URL_SAFE_NO_PAD.encode([0x25; 256]).into()),
            key(|key| key["n"] = Value::Null),
            key(|key| key["kid"] = json!(["k"])),
            json!("k"),
        ];

        assert!(read(&odd).is_empty());
    }

    #[test]
    fn an_unusable_key_does_not_disable_the_others() {
        let keys = read(&[json!({ "kty": "EC" }), key(|key| key["endorsements"] = json!(["msteams"]))]);

        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].endorsements, ["msteams"]);
    }
}
