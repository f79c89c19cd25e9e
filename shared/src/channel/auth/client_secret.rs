//! Client secret credential: sends a shared secret to the login service.

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::client_credential::{ClientCredential, Proof, TokenRequest};
use super::token_error::TokenError;

/// Client secret. It is sent only to the login service, in the form of a token request.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Returns the secret without surrounding white space.
    ///
    /// A secret stored from a file ends in a line break, which no secret of Entra contains.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        Self(secret.expose_secret().trim().into())
    }
}

#[async_trait]
impl ClientCredential for ClientSecret {
    async fn prove(&self, _request: &TokenRequest<'_>) -> Result<Proof, TokenError> {
        Ok(Proof::Secret(self.0.clone()))
    }
}
