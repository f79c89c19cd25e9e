//! Outbound tokens: as whom the agent speaks to the connector (protocol §3.1, §3.4).
//! One token is kept per process and asked for once, however many sends wait for it; how the agent proves who it is
//! is its credential's.

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
use crate::clock::Clock;
use crate::error::error_chain;
use crate::protocol::cloud::Cloud;
use crate::protocol::ids::{ClientId, TenantId};
use crate::random::Random;

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const EARLY: Duration = Duration::from_secs(300);

/// How long a token that could not be renewed is used before that is tried again.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// How an assertion is presented in a token request.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where tokens come from.
#[derive(Debug)]
pub struct TokenSource {
    /// Makes the requests.
    pub http: reqwest::Client,
    /// The agent's registration.
    pub client_id: ClientId,
    /// By what it proves who it is.
    pub credential: Arc<dyn ClientCredential>,
    /// The agent's own tenant, which issues the token unless the cloud names another.
    pub tenant: TenantId,
    /// The cloud to ask.
    pub cloud: Cloud,
    /// Tells when a token ends.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of assertions.
    pub random: Random,
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
    ends_at: Timestamp,
}

impl TokenProvider {
    /// A provider that has asked for nothing yet.
    #[must_use]
    pub fn new(source: TokenSource) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// A token that is good for a while; while login is down, the last one until it ends.
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
        let error = match self.source.ask().await {
            Ok(token) => return Ok(current.insert(token).text.clone()),
            Err(error) => error,
        };
        let now = self.source.clock.now();
        let Some(token) = current.as_mut().filter(|token| now < token.ends_at) else { return Err(error) };
        warn!(error = %error_chain(&error), "kept the token: a new one could not be had");
        token.renew_at = later(now, COOL_DOWN).min(token.ends_at);
        Ok(token.text.clone())
    }

    /// Asks for a token anew and drops it: one that is kept would hide that no other can be had.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub async fn probe(&self) -> Result<(), TokenError> {
        self.source.ask().await.map(drop)
    }

    /// Forgets `refused`, which the channel did not take, unless it was replaced already.
    pub async fn invalidate(&self, refused: &SecretString) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.text.expose_secret() == refused.expose_secret()) {
            *current = None;
        }
    }
}

impl TokenSource {
    /// A new token; an assertion that was not valid any more, or not yet, is replaced once.
    async fn ask(&self) -> Result<Token, TokenError> {
        match self.ask_once().await {
            Err(TokenError::Refused { code: OUTSIDE_VALIDITY, .. }) => self.ask_once().await,
            answered => answered,
        }
    }

    async fn ask_once(&self) -> Result<Token, TokenError> {
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
        let answer = self.http.post(&token_url).form(&form).send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = http::read_body(answer).await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(TokenError::of(status.as_u16(), &body));
        }
        let TokenResponse { text, life } = TokenResponse::read(&body).ok_or(TokenError::Unreadable)?;
        let good_for = life.saturating_sub(EARLY.min(life / 10));
        Ok(Token { text, renew_at: later(now, good_for), ends_at: later(now, life) })
    }
}

/// The address names the tenant.
fn unreachable(error: reqwest::Error) -> TokenError {
    TokenError::Unreachable(error.without_url())
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(now)
}
