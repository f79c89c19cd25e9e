//! Credential of the agent, built from the configuration, as a client credential for the login service.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;

use super::federated_identity::FederatedIdentity;
use super::secret_reader::StoredSecret;
use crate::aws::config;
use crate::channel::auth::{
    ClientCertificate, ClientCredential, ClientSecret, Proof, TokenError, TokenRequest,
};
use crate::protocol::cloud::Cloud;

/// Credential by which the agent authenticates to Entra.
#[derive(Debug, Clone)]
pub enum Credential {
    /// With a client secret given in the configuration; outside AWS only.
    GivenSecret(ClientSecret),
    /// With a client secret in Secrets Manager.
    Secret(StoredClientSecret),
    /// With a certificate in Secrets Manager.
    Certificate(StoredCertificate),
    /// With an identity token of AWS for the role that the registration trusts.
    Federated(FederatedIdentity),
}

/// Client secret in Secrets Manager.
#[derive(Debug, Clone)]
pub struct StoredClientSecret(StoredSecret);

/// Certificate and its private key, in PEM, in Secrets Manager.
#[derive(Debug, Clone)]
pub struct StoredCertificate(StoredSecret);

impl Credential {
    /// Returns the credential that the configuration names.
    #[must_use]
    pub fn new(configured: config::Credential, cloud: &Cloud, aws: &SdkConfig) -> Self {
        match configured {
            config::Credential::GivenSecret(secret) => Self::GivenSecret(ClientSecret::new(&secret)),
            config::Credential::StoredSecret(arn) => {
                Self::Secret(StoredClientSecret(StoredSecret::new(aws, "CLIENT_SECRET_ARN", arn)))
            }
            config::Credential::Certificate(arn) => {
                Self::Certificate(StoredCertificate(StoredSecret::new(aws, "CLIENT_CERTIFICATE_ARN", arn)))
            }
            config::Credential::Federated => Self::Federated(FederatedIdentity::new(cloud, aws)),
        }
    }

    /// Returns the credential as a token provider takes it.
    #[must_use]
    pub fn as_client_credential(&self) -> Arc<dyn ClientCredential> {
        match self {
            Self::GivenSecret(secret) => Arc::new(secret.clone()),
            Self::Secret(stored) => Arc::new(stored.clone()),
            Self::Certificate(stored) => Arc::new(stored.clone()),
            Self::Federated(identity) => Arc::new(identity.clone()),
        }
    }
}

#[async_trait]
impl ClientCredential for StoredClientSecret {
    async fn prove(&self, request: &TokenRequest<'_>) -> Result<Proof, TokenError> {
        ClientSecret::new(&self.0.read().await?).prove(request).await
    }
}

#[async_trait]
impl ClientCredential for StoredCertificate {
    async fn prove(&self, request: &TokenRequest<'_>) -> Result<Proof, TokenError> {
        ClientCertificate(self.0.read().await?).prove(request).await
    }
}

#[async_trait]
impl ClientCredential for FederatedIdentity {
    async fn prove(&self, _request: &TokenRequest<'_>) -> Result<Proof, TokenError> {
        self.assertion().await.map(Proof::Assertion)
    }
}
