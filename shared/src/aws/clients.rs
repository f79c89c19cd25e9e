//! The clients that a function talks to AWS and to the channel with.

use aws_config::SdkConfig;

use crate::channel::http;

/// The clients of one process; its functions share them.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Configuration of the AWS SDK for the services that vouch for the agent: STS and Secrets Manager.
    pub identity: SdkConfig,
    /// DynamoDB: the table.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SQS: the queues.
    pub sqs: aws_sdk_sqs::Client,
    /// The channel, the login service and the signing keys.
    pub http: reqwest::Client,
}

impl Clients {
    /// Returns the clients for a configuration of the AWS SDK.
    ///
    /// # Errors
    ///
    /// When the TLS library cannot be set up.
    pub fn new(sdk: &SdkConfig) -> Result<Self, reqwest::Error> {
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
            http: http::client()?,
            identity: sdk.clone(),
        })
    }

    /// Returns the clients for the environment of the process.
    ///
    /// # Errors
    ///
    /// When the TLS library cannot be set up.
    pub async fn load() -> Result<Self, reqwest::Error> {
        Self::new(&aws_config::load_from_env().await)
    }
}
