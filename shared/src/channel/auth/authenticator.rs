//! Inbound tokens: validates signature, issuer, audience, lifetime and caller of a request (docs/protocol.md §4).
//!
//! It does not authorize: the inbound function decides which activities of an authenticated request are accepted.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, crypto};

use super::check::{Check, Checks};
use super::entra::{Entra, Issuer};
use super::signing_keys::{NoKeys, SigningKeys};
use super::token::{Claims, Header, Token};
use crate::clock::Clock;
use crate::protocol::ids::ClientId;

/// Longest token that is parsed, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Longest key id, in bytes; a longer one is rejected without a fetch.
const MAX_KEY_ID_BYTES: usize = 256;

/// Tolerated clock skew, in seconds.
const SKEW: i64 = 300;

/// Longest lifetime of a token, in seconds.
const MAX_LIFETIME: i64 = 24 * 3600;

/// Channels whose signing keys have no endorsements.
const UNENDORSED: [&str; 2] = ["webchat", "directline"];

/// Validates the bearer token of an inbound request.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use herald::channel::auth::{Authenticator, Checks, Entra, NoKeyCache, SigningKeys, Unauthenticated};
/// use herald::clock::SystemClock;
/// use herald::protocol::cloud::Cloud;
/// use herald::protocol::ids::{ClientId, TenantId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cloud = Cloud::parse("public")?;
/// let http = herald::channel::http::client()?;
/// let clock = Arc::new(SystemClock);
/// let keys = |url| SigningKeys::new(url, http.clone(), Arc::new(NoKeyCache), clock.clone());
/// let authenticator = Authenticator {
///     keys: keys(cloud.openid_metadata.clone()),
///     issuer: cloud.issuer.clone(),
///     entra: Entra::new(&cloud, &TenantId::new("contoso")?, Vec::new(), keys(cloud.entra_metadata())),
///     audience: ClientId::new("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f")?,
///     clock: clock.clone(),
///     checks: Checks::all(),
/// };
///
/// let rejected = authenticator.authenticate(None).await;
/// assert!(matches!(rejected, Err(Unauthenticated::Rejected("no Authorization header"))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Authenticator {
    /// Signing keys of the channel.
    pub keys: SigningKeys,
    /// Issuer of the channel's tokens.
    pub issuer: String,
    /// Entra issuers and callers that are accepted too.
    pub entra: Entra,
    /// Required audience.
    pub audience: ClientId,
    /// Clock that lifetimes are compared with.
    pub clock: Arc<dyn Clock>,
    /// Checks that are made: all of them outside tests.
    pub checks: Checks,
}

/// Reason why a request is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// The request is rejected: 401. The reason is only logged.
    #[error("request is not authenticated: {0}")]
    Rejected(&'static str),
    /// No signing keys are available: 503.
    #[error(transparent)]
    NoKeys(#[from] NoKeys),
}

impl From<Check> for Unauthenticated {
    fn from(check: Check) -> Self {
        Self::Rejected(check.reason())
    }
}

/// Claims of a valid token.
#[derive(Debug, Clone)]
pub struct Authenticated {
    service_url: Option<String>,
    endorsements: Endorsements,
}

#[derive(Debug, Clone)]
enum Endorsements {
    /// Channels that the signing key is endorsed for.
    Listed(Vec<String>),
    /// Keys of Entra have no endorsements; the caller was checked instead.
    ByCaller,
}

impl Authenticated {
    /// Whether the token was issued for activities with this service URL, compared without case and trailing slash.
    ///
    /// Tokens of Entra need not name a service URL.
    #[must_use]
    pub fn is_for(&self, service_url: &str) -> bool {
        let bare = |url: &str| url.strip_suffix('/').unwrap_or(url).to_ascii_lowercase();
        self.service_url.as_deref().is_none_or(|named| bare(named) == bare(service_url))
    }

    /// Whether the signing key is endorsed for `channel`.
    ///
    /// A channel key without endorsements may sign only for Web Chat and Direct Line (docs/protocol.md §4.2, [X 10]).
    #[must_use]
    pub fn is_endorsed_for(&self, channel: &str) -> bool {
        match &self.endorsements {
            Endorsements::ByCaller => true,
            Endorsements::Listed(names) if names.is_empty() => UNENDORSED.contains(&channel),
            Endorsements::Listed(names) => names.iter().any(|name| name == channel),
        }
    }
}

impl Authenticator {
    /// Validates the value of an `Authorization` header.
    ///
    /// Header and claims are checked before a key is looked up, so that an invalid token costs no fetch.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`], with the check that failed.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Authenticated, Unauthenticated> {
        let text = bearer(authorization)?;
        self.checks.require(Check::TokenSize, text.len() <= MAX_TOKEN_BYTES)?;
        let token = Token::read(text).ok_or(Unauthenticated::Rejected("token is malformed"))?;
        self.check_header(&token.header)?;
        self.check_claims(&token.claims)?;
        let service_url = token.claims.service_url();
        self.checks.require(Check::OneServiceUrl, service_url.is_ok())?;
        let service_url = service_url.unwrap_or_default();
        match self.entra.issuer(&token.claims.iss) {
            Some(issuer) => self.authenticate_caller(&token, issuer, service_url).await,
            None => self.authenticate_channel(&token, service_url).await,
        }
    }

    /// Loads the signing keys before the first request.
    pub async fn warm_up(&self) {
        let entra = async {
            if self.entra.has_callers() {
                self.entra.keys.warm().await;
            }
        };
        tokio::join!(self.keys.warm(), entra);
    }

    /// Stores newly fetched keys in the key cache.
    ///
    /// Call it only after a request was accepted, so that a rejected one writes nothing.
    pub async fn persist_keys(&self) {
        tokio::join!(self.keys.persist_keys(), self.entra.keys.persist_keys());
    }

    async fn authenticate_channel(
        &self,
        token: &Token<'_>,
        service_url: Option<String>,
    ) -> Result<Authenticated, Unauthenticated> {
        self.checks.require(Check::Issuer, token.claims.iss == self.issuer)?;
        self.checks.require(Check::ServiceUrlClaim, service_url.is_some())?;
        let key = self.keys.find(&token.header.kid).await?;
        let key = key.ok_or(Unauthenticated::Rejected("key is unknown"))?;
        self.checks.require(Check::Signature, is_signed(token.message, token.signature, &key.decoding))?;
        Ok(Authenticated { service_url, endorsements: Endorsements::Listed(key.endorsements) })
    }

    async fn authenticate_caller(
        &self,
        token: &Token<'_>,
        issuer: &Issuer,
        service_url: Option<String>,
    ) -> Result<Authenticated, Unauthenticated> {
        self.entra.check(self.checks, issuer, &token.claims)?;
        let key = self.entra.keys.find(&token.header.kid).await?;
        let key = key.ok_or(Unauthenticated::Rejected("key is unknown"))?;
        self.checks.require(Check::KeyIssuer, issuer.is_of(&key))?;
        self.checks.require(Check::Signature, is_signed(token.message, token.signature, &key.decoding))?;
        Ok(Authenticated { service_url, endorsements: Endorsements::ByCaller })
    }

    fn check_header(&self, header: &Header) -> Result<(), Unauthenticated> {
        self.checks.require(Check::Algorithm, header.alg == "RS256")?;
        self.checks.require(Check::CriticalExtensions, !header.crit)?;
        self.checks.require(Check::Encoding, !(header.b64 || header.zip || header.has_other_content))?;
        let is_access = |typ: &str| typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt");
        self.checks.require(Check::TokenType, header.typ.as_deref().is_none_or(is_access))?;
        if header.kid.is_empty() || header.kid.len() > MAX_KEY_ID_BYTES {
            return Err(Unauthenticated::Rejected("key is unknown"));
        }
        Ok(())
    }

    fn check_claims(&self, claims: &Claims) -> Result<(), Check> {
        let now = self.clock.now().as_second();
        self.checks.require(Check::Audience, claims.aud.eq_ignore_ascii_case(self.audience.as_str()))?;
        // A time that overflows counts as the latest.
        let second = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let (exp, nbf) = (second(claims.exp), second(claims.nbf));
        let is_valid = exp >= nbf && exp.saturating_sub(nbf) <= MAX_LIFETIME;
        self.checks.require(Check::Lifetime, is_valid)?;
        self.checks.require(Check::Expiry, now.saturating_sub(SKEW) <= exp)?;
        self.checks.require(Check::NotBefore, now.saturating_add(SKEW) >= nbf)?;
        let is_past = |iat: u64| now.saturating_add(SKEW) >= second(iat);
        self.checks.require(Check::IssuedAt, claims.iat.is_none_or(is_past))
    }
}

/// Returns the token of an `Authorization` header: one scheme, one space, one token.
fn bearer(authorization: Option<&str>) -> Result<&str, Unauthenticated> {
    use Unauthenticated::Rejected;

    let value = authorization.ok_or(Rejected("no Authorization header"))?;
    let (scheme, token) = value.split_once(' ').ok_or(Rejected("no bearer token"))?;
    if scheme.eq_ignore_ascii_case("Bearer") { Ok(token) } else { Err(Rejected("no bearer token")) }
}

fn is_signed(message: &str, signature: &str, key: &jsonwebtoken::DecodingKey) -> bool {
    crypto::verify(signature, message.as_bytes(), key, Algorithm::RS256).unwrap_or(false)
}
