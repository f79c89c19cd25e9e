//! A text in Secrets Manager, read anew each time it is needed, so that a new version is used without a restart.
//! It knows neither a client secret nor a certificate.

use aws_config::SdkConfig;
use secrecy::SecretString;

use crate::aws::failure::{AwsFailure, timeout};
use crate::channel::auth::TokenError;

/// A text in Secrets Manager.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    client: aws_sdk_secretsmanager::Client,
    variable: &'static str,
    arn: String,
}

impl StoredSecret {
    /// The secret that `variable` of the configuration names by its `arn`.
    #[must_use]
    pub fn new(aws: &SdkConfig, variable: &'static str, arn: String) -> Self {
        let config = aws_sdk_secretsmanager::config::Builder::from(aws).timeout_config(timeout());
        Self { client: aws_sdk_secretsmanager::Client::from_conf(config.build()), variable, arn }
    }

    /// The text as it is now.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no text.
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
