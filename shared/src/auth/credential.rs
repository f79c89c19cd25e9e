//! The credential: by what the login service knows that it is the agent who asks (protocol §3.2).
//! When it is asked, and what it gives in return, is the token provider's.

use aws_config::SdkConfig;

use super::client_certificate::ClientCertificate;
use super::client_secret::ClientSecret;
use super::federated_identity::FederatedIdentity;
use super::proof::{Proof, Purpose};
use super::stored_secret::StoredSecret;
use super::token_error::TokenError;
use crate::cloud::Cloud;
use crate::config;

/// By what the agent proves who it is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// It knows a secret.
    Secret(ClientSecret),
    /// It holds the private key of a certificate.
    Certificate(ClientCertificate),
    /// AWS says that it is the role that the registration trusts.
    Federated(FederatedIdentity),
}

impl Credential {
    /// The credential that the configuration names; what it needs of AWS it reaches through `aws`.
    #[must_use]
    pub fn new(configured: config::Credential, cloud: &Cloud, aws: &SdkConfig) -> Self {
        match configured {
            config::Credential::GivenSecret(secret) => Self::Secret(ClientSecret::Given(secret)),
            config::Credential::StoredSecret(arn) => {
                Self::Secret(ClientSecret::Stored(StoredSecret::new(aws, "CLIENT_SECRET_ARN", arn)))
            }
            config::Credential::Certificate(arn) => {
                Self::Certificate(ClientCertificate(StoredSecret::new(aws, "CLIENT_CERTIFICATE_ARN", arn)))
            }
            config::Credential::Federated => Self::Federated(FederatedIdentity::new(cloud, aws)),
        }
    }

    /// What proves, here and now, that it is the agent who asks.
    pub(super) async fn proof(&self, purpose: &Purpose<'_>) -> Result<Proof, TokenError> {
        match self {
            Self::Secret(secret) => secret.read().await.map(Proof::Secret),
            Self::Certificate(certificate) => certificate.assertion(purpose).await.map(Proof::Assertion),
            Self::Federated(identity) => identity.assertion().await.map(Proof::Assertion),
        }
    }
}
