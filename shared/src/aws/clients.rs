//! The clients that a function talks to AWS and to the channel with.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{ConfigLoader, SdkConfig};
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

/// Timeouts of requests to AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Time to connect.
    pub connect: Duration,
    /// Time of one attempt.
    pub attempt: Duration,
    /// Time of a request with its retries.
    pub operation: Duration,
}

impl Timeouts {
    /// For functions that a user waits for: a claim, a message and a record have 1.5 s each of a turn.
    pub const TURN: Self = Self {
        connect: Duration::from_millis(800),
        attempt: Duration::from_millis(1_000),
        operation: Duration::from_millis(1_500),
    };

    /// For the credential of the agent, which the request to the channel waits for: with a token request of 3 s, within
    /// the 8 s of that request.
    pub const IDENTITY: Self = Self {
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(2),
        operation: Duration::from_secs(4),
    };

    /// For pages of a broadcast, and for the command line: no user waits.
    pub const BACKGROUND: Self = Self {
        connect: Duration::from_secs(3),
        attempt: Duration::from_secs(5),
        operation: Duration::from_secs(12),
    };

    /// Returns the timeouts as the AWS SDK takes them.
    #[must_use]
    pub fn config(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    /// Returns the configuration of the AWS SDK for the environment of the process, with these timeouts.
    pub async fn load(self) -> SdkConfig {
        self.load_from(with_https(aws_config::from_env())).await
    }

    /// Returns the configuration of `loader`, with these timeouts.
    pub async fn load_from(self, loader: ConfigLoader) -> SdkConfig {
        loader.timeout_config(self.config()).load().await
    }
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

    /// Returns the clients for the environment of the process, with these timeouts.
    ///
    /// # Errors
    ///
    /// When the TLS library cannot be set up.
    pub async fn load(timeouts: Timeouts) -> Result<Self, reqwest::Error> {
        Self::new(&timeouts.load().await)
    }
}

/// Returns `loader` with the HTTP client that all clients of the AWS SDK share.
fn with_https(loader: ConfigLoader) -> ConfigLoader {
    let roots = TrustStore::empty().with_pem_certificate(RootCertificates::of_system().pem());
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => loader.http_client(builder.tls_context(context).build_https()),
        Err(error) => {
            warn!(error = %error_chain(&error), "will use the root certificates that the AWS SDK finds");
            loader
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_dynamodb::config::Credentials;
    use tokio::net::TcpListener;

    use super::*;
    use crate::aws::identity::{FederatedIdentity, StoredSecret};
    use crate::clock::{Clock, SystemClock};
    use crate::protocol::cloud::Cloud;

    /// Runs a request and returns whether it failed within `limit` and a second.
    async fn fails_within(limit: Duration, request: impl Future<Output = bool>) -> bool {
        let started_at = SystemClock.now();
        let failed = tokio::time::timeout(Duration::from_secs(20), request).await.unwrap_or(false);
        let took = Duration::try_from(SystemClock.now().duration_since(started_at)).unwrap();
        failed && took < limit + Duration::from_secs(1)
    }

    #[tokio::test]
    async fn request_that_is_never_answered_ends_within_its_time() {
        // The kernel accepts connections, and nothing reads from them.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", silent.local_addr().unwrap()))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"));
        let sdk = Timeouts::TURN.load_from(loader).await;
        let clients = Clients::new(&sdk).unwrap();
        let secret = StoredSecret::new(&sdk, "SECRET_ARN", "arn".to_owned());
        let role = FederatedIdentity::new(&Cloud::parse("public").unwrap(), &sdk);

        let (table, queue, secrets, sts) = tokio::join!(
            fails_within(Timeouts::TURN.operation, async {
                clients.dynamodb.describe_table().table_name("herald").send().await.is_err()
            }),
            fails_within(Timeouts::TURN.operation, async {
                clients.sqs.send_message().queue_url("http://q").message_body("m").send().await.is_err()
            }),
            fails_within(Timeouts::IDENTITY.operation, async { secret.read().await.is_err() }),
            fails_within(Timeouts::IDENTITY.operation, async { role.claims().await.is_err() }),
        );

        assert!(table && queue && secrets && sts, "{table} {queue} {secrets} {sts}");
    }
}
