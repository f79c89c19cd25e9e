//! The clients that a function talks to AWS and to the channel with.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use tracing::warn;

use crate::channel::http;
use crate::channel::root_certificates::RootCertificates;
use crate::error::error_chain;

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
        Self::new(&load_sdk_config().await)
    }
}

/// Returns the configuration of the AWS SDK for the environment of the process; its clients share one HTTP client.
pub async fn load_sdk_config() -> SdkConfig {
    let roots = TrustStore::empty().with_pem_certificate(RootCertificates::of_system().pem());
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let builder = match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context),
        Err(error) => {
            warn!(error = %error_chain(&error), "will use the root certificates that the AWS SDK finds");
            builder
        }
    };
    aws_config::defaults(BehaviorVersion::latest()).http_client(builder.build_https()).load().await
}
