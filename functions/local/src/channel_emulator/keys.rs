//! The channel's signing keys, the documents that publish them, and the tokens they sign (protocol §4.1, §4.3).
//! A wrong token can be signed as readily as a right one; checking is the agent's part.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::fault::{self, Operation};
use super::router::{self, Response};
use super::{Channel, ChannelError, ISSUER, State, lock};
use crate::fault_injection::Disconnected;
use crate::signing_key::SigningKey;

/// Where the OpenID metadata is.
pub(super) const METADATA_PATH: &str = "/v1/.well-known/openidconfiguration";

/// The channels that the keys may sign for.
const ENDORSEMENTS: [&str; 3] = ["msteams", "webchat", "directline"];

/// How long an activity's token is good, in seconds.
const LIFE: i64 = 3600;

/// The keys, oldest first; the newest signs and all are published.
#[derive(Debug)]
pub(super) struct Keys {
    pairs: Mutex<Vec<Arc<SigningKey>>>,
    foreign: Mutex<Vec<Value>>,
    fetches: AtomicU64,
}

impl Channel {
    /// How often the keys were fetched.
    #[must_use]
    pub fn key_fetches(&self) -> u64 {
        self.state.keys.fetches.load(Ordering::Relaxed)
    }

    /// Signs with a new key from now on; the older ones stay published.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] when none could be made.
    pub fn rotate_key(&self) -> Result<(), ChannelError> {
        let key = SigningKey::generate().map_err(|_| ChannelError::Key)?;
        lock(&self.state.keys.pairs).push(Arc::new(key));
        Ok(())
    }

    /// Publishes `key` beside its own keys, whatever it says: a JSON Web Key, or something posing as one.
    pub fn publish_key(&self, key: Value) {
        lock(&self.state.keys.foreign).push(key);
    }

    /// The header of a good token.
    #[must_use]
    pub fn token_header(&self) -> Value {
        let id = lock(&self.state.keys.pairs).last().map(|key| key.id().to_owned());
        json!({ "alg": "RS256", "kid": id, "x5t": id, "typ": "JWT" })
    }

    /// The claims of a good token.
    #[must_use]
    pub fn token_claims(&self) -> Value {
        let now = self.state.options.clock.now().as_second();
        json!({
            "serviceurl": self.service_url(),
            "nbf": now,
            "exp": now.saturating_add(LIFE),
            "iss": ISSUER,
            "aud": self.state.options.client_id,
        })
    }

    /// A token with these claims and a good header.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Unsigned`] when the crypto provider fails.
    pub fn sign_claims(&self, claims: &Value) -> Result<String, ChannelError> {
        self.sign_with_header(&self.token_header(), claims)
    }

    /// A token with this header and these claims, signed with RS256 whatever the header says.
    ///
    /// # Errors
    ///
    /// As [`Channel::sign_claims`].
    pub fn sign_with_header(&self, header: &Value, claims: &Value) -> Result<String, ChannelError> {
        let keys = lock(&self.state.keys.pairs);
        let key = keys.last().ok_or(ChannelError::Unsigned)?;
        key.sign(header, claims).map_err(|_| ChannelError::Unsigned)
    }
}

impl Keys {
    pub(super) fn generate() -> Result<Self, ChannelError> {
        let first = SigningKey::of_process().map_err(|_| ChannelError::Key)?;
        let pairs = Mutex::new(vec![first]);
        Ok(Self { pairs, foreign: Mutex::default(), fetches: AtomicU64::new(0) })
    }
}

/// The key as the set has it.
fn published(key: &SigningKey) -> Value {
    let mut public = key.public().clone();
    public["x5t"] = json!(key.id());
    public["endorsements"] = json!(ENDORSEMENTS);
    public
}

/// Answers with the OpenID metadata.
pub(super) async fn answer_metadata(state: &State) -> Result<Response, Disconnected> {
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://invalid.botframework.com",
        "jwks_uri": format!("{}/v1/.well-known/keys", state.origin()),
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    });
    publish(state, &document).await
}

/// Answers with the key set.
pub(super) async fn answer_keys(state: &State) -> Result<Response, Disconnected> {
    state.keys.fetches.fetch_add(1, Ordering::Relaxed);
    let mut keys: Vec<Value> = lock(&state.keys.pairs).iter().map(|key| published(key)).collect();
    keys.extend(lock(&state.keys.foreign).iter().cloned());
    publish(state, &json!({ "keys": keys })).await
}

async fn publish(state: &State, document: &Value) -> Result<Response, Disconnected> {
    let fault = state.script.next(Operation::Keys);
    fault::act_out(fault, router::json(200, document), &*state.options.clock).await
}
