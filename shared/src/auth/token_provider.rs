//! Outbound tokens: as whom the agent speaks to the connector (protocol §3; client secret).
//! One token is kept per process and asked for once, however many sends wait for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::token_error::TokenError;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::http;
use crate::ids::{ClientId, TenantId};

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const EARLY: Duration = Duration::from_secs(300);

/// Longest a token is kept, whatever the login service says.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The agent's client secret, or where it is kept.
#[derive(Debug, Clone)]
pub enum ClientSecret {
    /// Given outright; outside AWS only.
    Given(SecretString),
    /// Kept in Secrets Manager.
    Stored {
        /// The client that reads it.
        client: aws_sdk_secretsmanager::Client,
        /// Its ARN.
        arn: String,
    },
}

/// Where tokens come from.
#[derive(Debug)]
pub struct TokenSource {
    /// Makes the requests.
    pub http: reqwest::Client,
    /// The agent's registration.
    pub client_id: ClientId,
    /// Its secret.
    pub secret: ClientSecret,
    /// The tenant that issues the token: the agent's own, or the cloud's for a multi-tenant registration.
    pub tenant: TenantId,
    /// The cloud to ask.
    pub cloud: Cloud,
    /// Tells when a token ends.
    pub clock: Arc<dyn Clock>,
}

/// Gives a token for the connector, asking for one where none is good any more.
#[derive(Debug)]
pub struct TokenProvider {
    source: TokenSource,
    current: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    text: SecretString,
    renew_at: Timestamp,
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: u64,
}

impl TokenProvider {
    /// A provider that has asked for nothing yet.
    #[must_use]
    pub fn new(source: TokenSource) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    ///
    /// [`TokenError`], when none could be had; nothing was sent to the channel then.
    pub async fn token(&self) -> Result<SecretString, TokenError> {
        let mut current = self.current.lock().await;
        let now = self.source.clock.now();
        if let Some(token) = current.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.text.clone());
        }
        let token = self.source.ask(now).await?;
        Ok(current.insert(token).text.clone())
    }

    /// Forgets `refused`, which the channel did not take, unless it was replaced already.
    pub async fn forget(&self, refused: &SecretString) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.text.expose_secret() == refused.expose_secret()) {
            *current = None;
        }
    }
}

impl TokenSource {
    async fn ask(&self, now: Timestamp) -> Result<Token, TokenError> {
        let secret = self.secret.read().await?;
        let url = format!("{}/{}/oauth2/v2.0/token", self.cloud.login.trim_end_matches('/'), self.tenant);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", secret.expose_secret()),
            ("scope", &self.cloud.scope),
        ];
        let answer = self.http.post(url).form(&form).send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = http::read_body(answer).await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(TokenError::of(status.as_u16(), &body));
        }
        let grant: Grant =
            serde_json::from_slice(&body).map_err(|error| TokenError::Unreadable(Some(error)))?;
        if !grant.access_token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Unreadable(None));
        }
        let life = Duration::from_secs(grant.expires_in).min(MAX_LIFE);
        let good_for = life.saturating_sub(EARLY.min(life / 10));
        Ok(Token { text: grant.access_token, renew_at: now.checked_add(good_for).unwrap_or(now) })
    }
}

/// The address names the tenant.
fn unreachable(error: reqwest::Error) -> TokenError {
    TokenError::Unreachable(error.without_url())
}

impl ClientSecret {
    /// The secret kept in Secrets Manager under `arn`.
    #[must_use]
    pub fn stored(aws: &aws_config::SdkConfig, arn: String) -> Self {
        Self::Stored { client: aws_sdk_secretsmanager::Client::new(aws), arn }
    }

    async fn read(&self) -> Result<SecretString, TokenError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::Stored { client, arn } => {
                let answer = client.get_secret_value().secret_id(arn).send().await;
                let value = answer.map_err(|error| TokenError::NoSecret(Some(Box::new(error))))?;
                value.secret_string.map(SecretString::from).ok_or(TokenError::NoSecret(None))
            }
        }
    }
}
