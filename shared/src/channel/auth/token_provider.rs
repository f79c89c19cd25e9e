//! Outbound tokens: acquires and caches the access token for the connector (docs/protocol.md §3.1, §3.4).
//!
//! One token is cached per process, and concurrent sends share one request for it. The [`ClientCredential`]
//! authenticates the agent.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tracing::warn;

use super::client_credential::{ClientCredential, Proof, TokenRequest};
use super::token_error::{OUTSIDE_VALIDITY, TokenError};
use super::token_response::TokenResponse;
use crate::channel::http;
use crate::channel::retry_after::retry_after;
use crate::clock::Clock;
use crate::error::error_chain;
use crate::protocol::cloud::Cloud;
use crate::protocol::ids::{ClientId, TenantId};
use crate::random::Random;

/// A token is renewed this long before it expires, or a tenth of its lifetime if that is less.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// Least time between two attempts to renew a token that is still valid.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// Time of one token request, which a request to the channel waits for.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(3);

/// `client_assertion_type` of a token request.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Parameters of the token requests.
#[derive(Debug)]
pub struct TokenSource {
    /// HTTP client.
    pub http: reqwest::Client,
    /// App registration of the agent.
    pub client_id: ClientId,
    /// Credential that authenticates the agent.
    pub credential: Arc<dyn ClientCredential>,
    /// Tenant of the agent, which issues the token unless the cloud names another.
    pub tenant: TenantId,
    /// Cloud of the login service.
    pub cloud: Cloud,
    /// Clock that expiry times are compared with.
    pub clock: Arc<dyn Clock>,
    /// Source of the ids of assertions.
    pub random: Random,
}

/// Provides access tokens for the connector and renews them before they expire.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use herald::channel::auth::{ClientSecret, TokenProvider, TokenSource};
/// use herald::clock::SystemClock;
/// use herald::protocol::cloud::Cloud;
/// use herald::protocol::ids::{ClientId, TenantId};
/// use herald::random::Random;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = TokenProvider::new(TokenSource {
///     http: herald::channel::http::client()?,
///     client_id: ClientId::new("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f")?,
///     credential: Arc::new(ClientSecret::new(&"secret".into())),
///     tenant: TenantId::new("9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d")?,
///     cloud: Cloud::parse("public")?,
///     clock: Arc::new(SystemClock),
///     random: Random::system(),
/// });
///
/// let token = tokens.token().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TokenProvider {
    source: TokenSource,
    current: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    text: SecretString,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl TokenProvider {
    /// Returns a provider without a cached token.
    #[must_use]
    pub fn new(source: TokenSource) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// Returns a valid token; while the login service is unavailable, the cached one until it expires.
    ///
    /// # Errors
    ///
    /// [`TokenError`], when there is none.
    pub async fn token(&self) -> Result<SecretString, TokenError> {
        let mut current = self.current.lock().await;
        let now = self.source.clock.now();
        if let Some(token) = current.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.text.clone());
        }
        let error = match self.source.request().await {
            Ok(token) => return Ok(current.insert(token).text.clone()),
            Err(error) => error,
        };
        let now = self.source.clock.now();
        let Some(token) = current.as_mut().filter(|token| now < token.expires_at) else { return Err(error) };
        warn!(error = %error_chain(&error), "could not renew the token; the cached one is still used");
        token.renew_at = later(now, COOL_DOWN).min(token.expires_at);
        Ok(token.text.clone())
    }

    /// Requests a new token and drops it, because a cached one would hide that requests fail.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub async fn probe(&self) -> Result<(), TokenError> {
        self.source.request().await.map(drop)
    }

    /// Returns the time of the clock that the expiry of tokens is compared with.
    pub(in crate::channel) fn now(&self) -> Timestamp {
        self.source.clock.now()
    }

    /// Removes `rejected`, a token that the channel rejected, from the cache, unless it was replaced already.
    pub async fn invalidate(&self, rejected: &SecretString) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.text.expose_secret() == rejected.expose_secret()) {
            *current = None;
        }
    }
}

impl TokenSource {
    /// Requests a token; an assertion that was expired or not valid yet is replaced once.
    async fn request(&self) -> Result<Token, TokenError> {
        match self.request_once().await {
            Err(TokenError::Rejected { code: OUTSIDE_VALIDITY, .. }) => self.request_once().await,
            result => result,
        }
    }

    async fn request_once(&self) -> Result<Token, TokenError> {
        let now = self.clock.now();
        let tenant = self.cloud.token_tenant.as_deref().unwrap_or(self.tenant.as_str());
        let token_url = format!("{}/{tenant}/oauth2/v2.0/token", self.cloud.login_host());
        let request =
            TokenRequest { client_id: &self.client_id, token_url: &token_url, now, random: &self.random };
        let proof = self.credential.prove(&request).await?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("scope", &self.cloud.scope),
        ];
        match &proof {
            Proof::Secret(secret) => form.push(("client_secret", secret.expose_secret())),
            Proof::Assertion(assertion) => form.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.expose_secret()),
            ]),
        }
        let answer = self.http.post(&token_url).timeout(LOGIN_TIMEOUT).form(&form);
        let answer = answer.send().await.map_err(unreachable)?;
        let status = answer.status();
        let wait = retry_after(answer.headers(), self.clock.now());
        let body = http::read_body(answer).await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(TokenError::of(status.as_u16(), wait, &body));
        }
        let TokenResponse { text, lifetime } = TokenResponse::read(&body).ok_or(TokenError::Unreadable)?;
        let renew_in = lifetime.saturating_sub(RENEW_BEFORE.min(lifetime / 10));
        Ok(Token { text, renew_at: later(now, renew_in), expires_at: later(now, lifetime) })
    }
}

/// Returns the error without the URL, which contains the tenant.
fn unreachable(error: reqwest::Error) -> TokenError {
    TokenError::Unreachable(error.without_url())
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(now)
}
