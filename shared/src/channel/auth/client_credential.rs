//! What the agent proves its identity with to the login service (docs/protocol.md §3.2).

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use super::token_error::TokenError;
use crate::protocol::ids::ClientId;
use crate::random::Random;

/// Proves the identity of the agent to the login service.
#[async_trait]
pub trait ClientCredential: fmt::Debug + Send + Sync {
    /// Returns the proof for one token request.
    ///
    /// # Errors
    ///
    /// [`TokenError`], when the secret cannot be read or AWS issues no identity token.
    async fn prove(&self, request: &TokenRequest<'_>) -> Result<Proof, TokenError>;
}

/// What a credential contributes to one token request.
#[derive(Debug)]
pub enum Proof {
    /// The client secret itself.
    Secret(SecretString),
    /// A signed client assertion, of the agent or of another issuer.
    Assertion(SecretString),
}

/// The token request that a proof is for.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// The app registration that requests the token.
    pub client_id: &'a ClientId,
    /// The token endpoint.
    pub token_url: &'a str,
    /// The time of the request.
    pub now: Timestamp,
    /// Source of the ids of assertions.
    pub random: &'a Random,
}
