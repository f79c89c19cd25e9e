//! Secrets Manager as the engine's store of secrets.

use async_trait::async_trait;
use aws_config::SdkConfig;
use secrecy::SecretString;

use super::secret_reader::StoredSecret;
use crate::agent::Secrets;
use crate::aws::clients::Timeouts;
use crate::error::BoxError;

/// Reads secrets from AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    /// Configuration of the AWS SDK; that of the environment where it is `None`.
    sdk: Option<SdkConfig>,
}

impl SecretsManager {
    /// Returns a reader with the identity and region of `sdk`.
    #[must_use]
    pub fn new(sdk: &SdkConfig) -> Self {
        Self { sdk: Some(sdk.clone()) }
    }

    /// Returns a reader with the identity and region of the environment, which is read with the first secret.
    #[must_use]
    pub fn from_env() -> Self {
        Self { sdk: None }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn read(&self, variable: &'static str, id: &str) -> Result<SecretString, BoxError> {
        let sdk = match &self.sdk {
            Some(sdk) => sdk.clone(),
            None => Timeouts::IDENTITY.load().await,
        };
        Ok(StoredSecret::new(&sdk, variable, id.to_owned()).read().await?)
    }
}
