//! The client secret: text that the agent and the login service both know.
//! It goes to the login service alone, in the form of a token request.

use secrecy::{ExposeSecret, SecretString};

use super::stored_secret::StoredSecret;
use super::token_error::TokenError;

/// The agent's client secret, or where it is kept.
#[derive(Debug, Clone)]
pub enum ClientSecret {
    /// Given outright; outside AWS only.
    Given(SecretString),
    /// Kept in Secrets Manager.
    Stored(StoredSecret),
}

impl ClientSecret {
    pub(super) async fn read(&self) -> Result<SecretString, TokenError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            // Whoever writes a secret from a file or with `echo` leaves a line end in it; no secret of Entra's has one.
            Self::Stored(stored) => Ok(stored.read().await?.expose_secret().trim().into()),
        }
    }
}
