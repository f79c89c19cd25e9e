//! Client credential: the interface by which the agent authenticates to the login service (docs/protocol.md §3.2).

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use super::token_error::TokenError;
use crate::protocol::ids::ClientId;
use crate::random::Random;

/// Authenticates the agent to the login service.
///
/// # Examples
///
/// ```
/// use herald::channel::auth::{ClientCredential, ClientSecret, Proof, TokenRequest};
/// use herald::protocol::ids::ClientId;
/// use herald::random::Random;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = ClientSecret::new(&"secret\n".into());
/// let request = TokenRequest {
///     client_id: &ClientId::new("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f")?,
///     token_url: "https://login.microsoftonline.com/contoso/oauth2/v2.0/token",
///     now: "2026-11-22T09:00:00Z".parse()?,
///     random: &Random::system(),
/// };
/// assert!(matches!(credential.prove(&request).await?, Proof::Secret(_)));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait ClientCredential: fmt::Debug + Send + Sync {
    /// Returns the proof for one token request.
    ///
    /// # Errors
    ///
    /// [`TokenError`], when the secret cannot be read or AWS issues no identity token.
    async fn prove(&self, request: &TokenRequest<'_>) -> Result<Proof, TokenError>;
}

/// Parameter of a token request that authenticates the client.
#[derive(Debug)]
pub enum Proof {
    /// Client secret.
    Secret(SecretString),
    /// Signed client assertion, of the agent or of another issuer.
    Assertion(SecretString),
}

/// Token request that a proof is created for.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// App registration that requests the token.
    pub client_id: &'a ClientId,
    /// Token endpoint.
    pub token_url: &'a str,
    /// Time of the request.
    pub now: Timestamp,
    /// Source of the ids of assertions.
    pub random: &'a Random,
}
