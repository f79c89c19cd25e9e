//! Secrets Manager as the engine's store of secrets.

use async_trait::async_trait;
use aws_config::SdkConfig;
use secrecy::SecretString;

use super::stored_secret::StoredSecret;
use crate::agent::Secrets;
use crate::error::BoxError;

/// Reads secrets from AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    sdk: SdkConfig,
}

impl SecretsManager {
    /// Returns a reader with the identity and region of `sdk`.
    #[must_use]
    pub fn new(sdk: &SdkConfig) -> Self {
        Self { sdk: sdk.clone() }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn read(&self, variable: &'static str, id: &str) -> Result<SecretString, BoxError> {
        Ok(StoredSecret::new(&self.sdk, variable, id.to_owned()).read().await?)
    }
}
