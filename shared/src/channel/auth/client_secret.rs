//! A client secret: text known to the agent and to the login service.

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::client_credential::{ClientCredential, Proof, TokenRequest};
use super::token_error::TokenError;

/// A client secret. It is sent to the login service alone, in the form of a token request.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Returns the secret without surrounding white space: a secret stored from a file ends in a line break, and no
    /// secret of Entra does.
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
