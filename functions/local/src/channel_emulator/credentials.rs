//! What tests do with keys, tokens and the agent's registration (protocol §3, §4.1, §4.3).
//! A wrong token can be signed as readily as a right one; the agent checks it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::channel::Channel;
use super::error::ChannelError;
use super::lock::lock;
use super::state::ISSUER;
use super::token_issuer::FederatedCredential;
use crate::signing_key::SigningKey;

/// How long an activity's token is good, in seconds.
const LIFE: i64 = 3600;

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

    /// Publishes `key` with the channel's own keys, unchecked: a JSON Web Key, or something posing as one.
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

    /// A token with this header and these claims, always signed with RS256.
    ///
    /// # Errors
    ///
    /// As [`Channel::sign_claims`].
    pub fn sign_with_header(&self, header: &Value, claims: &Value) -> Result<String, ChannelError> {
        let keys = lock(&self.state.keys.pairs);
        let key = keys.last().ok_or(ChannelError::Unsigned)?;
        key.sign(header, claims).map_err(|_| ChannelError::Unsigned)
    }

    /// How often the token endpoint was asked.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        self.state.tokens.requests.load(Ordering::Relaxed)
    }

    /// Makes every token issued so far worthless.
    pub fn revoke_tokens(&self) {
        lock(&self.state.tokens.expiries).clear();
    }

    /// Adds a certificate, in DER, to the agent's registration.
    pub fn add_certificate(&self, der: &[u8]) {
        self.state.tokens.certificates.add(der);
    }

    /// Removes a certificate from the registration.
    pub fn revoke_certificate(&self, der: &[u8]) {
        self.state.tokens.certificates.remove(der);
    }

    /// Adds a federated credential to the agent's registration; it counts at once, other than Entra's.
    pub fn add_federated_credential(&self, credential: FederatedCredential) {
        self.state.tokens.federation.add(credential);
    }
}
