//! Secret in Secrets Manager, read on each use, so that a new version takes effect without a restart.
//!
//! It does not interpret the text.

use aws_config::SdkConfig;
use secrecy::SecretString;

use crate::aws::clients::Timeouts;
use crate::aws::failure::AwsFailure;
use crate::channel::auth::TokenError;

/// Secret in Secrets Manager.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    client: aws_sdk_secretsmanager::Client,
    variable: &'static str,
    arn: String,
}

impl StoredSecret {
    /// Returns the secret with this `arn`, the value of the environment variable `variable`.
    #[must_use]
    pub fn new(aws: &SdkConfig, variable: &'static str, arn: String) -> Self {
        let config =
            aws_sdk_secretsmanager::config::Builder::from(aws).timeout_config(Timeouts::IDENTITY.config());
        Self { client: aws_sdk_secretsmanager::Client::from_conf(config.build()), variable, arn }
    }

    /// Reads the current version of the text.
    ///
    /// # Errors
    ///
    /// [`TokenError::SecretUnread`], when it cannot be read or is binary.
    pub async fn read(&self) -> Result<SecretString, TokenError> {
        let unread = |failure: AwsFailure| TokenError::SecretUnread {
            variable: self.variable,
            failure: Box::new(failure),
        };
        let answer = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let value = answer.map_err(|error| unread(AwsFailure::of(error)))?;
        value.secret_string.map(SecretString::from).ok_or_else(|| unread(AwsFailure::Unreadable))
    }
}
