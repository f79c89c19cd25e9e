//! Changes keys, tokens and the registration of the agent, for tests (docs/protocol.md §3, §4.1, §4.3).
//! Invalid tokens can be signed, too.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::channel::Channel;
use super::error::ChannelError;
use super::lock::lock;
use super::state::ISSUER;
use super::token_issuer::FederatedCredential;
use crate::signing_key::SigningKey;

/// Lifetime of the token of an activity, in seconds.
const LIFE: i64 = 3600;

impl Channel {
    /// Returns the number of requests for the keys.
    #[must_use]
    pub fn key_fetches(&self) -> u64 {
        self.state.keys.fetches.load(Ordering::Relaxed)
    }

    /// Signs with a new key from now on; older keys remain published.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if no key can be generated.
    pub fn rotate_key(&self) -> Result<(), ChannelError> {
        let key = SigningKey::generate().map_err(|_| ChannelError::Key)?;
        lock(&self.state.keys.pairs).push(Arc::new(key));
        Ok(())
    }

    /// Publishes `key`, a valid or invalid JSON Web Key, with the keys of the channel.
    pub fn publish_key(&self, key: Value) {
        lock(&self.state.keys.foreign).push(key);
    }

    /// Returns the header of a valid token.
    #[must_use]
    pub fn token_header(&self) -> Value {
        let id = lock(&self.state.keys.pairs).last().map(|key| key.id().to_owned());
        json!({ "alg": "RS256", "kid": id, "x5t": id, "typ": "JWT" })
    }

    /// Returns the claims of a valid token.
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

    /// Returns the claims of the token of `activity`: they name its service URL if it is one of the channel.
    #[must_use]
    pub fn token_claims_for(&self, activity: &Value) -> Value {
        let mut claims = self.token_claims();
        if activity["serviceUrl"].as_str().is_some_and(|url| self.state.is_service_url(url)) {
            claims["serviceurl"] = activity["serviceUrl"].clone();
        }
        claims
    }

    /// Returns a token with these claims and a valid header.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Unsigned`] when the crypto provider fails.
    pub fn sign_claims(&self, claims: &Value) -> Result<String, ChannelError> {
        self.sign_with_header(&self.token_header(), claims)
    }

    /// Returns a token with this header and these claims, always signed with RS256.
    ///
    /// # Errors
    ///
    /// As [`Channel::sign_claims`].
    pub fn sign_with_header(&self, header: &Value, claims: &Value) -> Result<String, ChannelError> {
        let keys = lock(&self.state.keys.pairs);
        let key = keys.last().ok_or(ChannelError::Unsigned)?;
        key.sign(header, claims).map_err(|_| ChannelError::Unsigned)
    }

    /// Returns the client secret of the agent.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.state.options.client_secret
    }

    /// Returns the number of token requests.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        self.state.tokens.requests.load(Ordering::Relaxed)
    }

    /// Revokes every token issued so far.
    pub fn revoke_tokens(&self) {
        lock(&self.state.tokens.expiries).clear();
    }

    /// Adds a certificate, in DER, to the registration of the agent.
    pub fn add_certificate(&self, der: &[u8]) {
        self.state.tokens.certificates.add(der);
    }

    /// Removes a certificate from the registration.
    pub fn revoke_certificate(&self, der: &[u8]) {
        self.state.tokens.certificates.remove(der);
    }

    /// Adds a federated credential to the registration of the agent; unlike with Entra, it is valid at once.
    pub fn add_federated_credential(&self, credential: FederatedCredential) {
        self.state.tokens.federation.add(credential);
    }
}
