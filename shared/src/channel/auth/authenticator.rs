//! Inbound tokens: is this request the channel's? (protocol §4: RS256, issuer, audience, lifetime, caller.)
//! What an authenticated activity may do is `inbound`'s policy.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, crypto};

use super::check::{Check, Checks};
use super::entra::{Entra, Issuer};
use super::signing_keys::{NoKeys, SigningKeys};
use super::token::{Claims, Header, Token};
use crate::clock::Clock;
use crate::protocol::ids::ClientId;

/// Longest token looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Longest name of a key; a longer one is no key's, and none is fetched for it.
const MAX_KEY_ID_BYTES: usize = 256;

/// How far the channel's clock may be off, in seconds.
const SKEW: i64 = 300;

/// Longest life of a token, in seconds.
const MAX_LIFE: i64 = 24 * 3600;

/// Channels whose keys name no endorsements.
const UNENDORSED: [&str; 2] = ["webchat", "directline"];

/// Checks that a request is the channel's.
#[derive(Debug)]
pub struct Authenticator {
    /// The channel's keys.
    pub keys: SigningKeys,
    /// Who must have issued the channel's own tokens.
    pub issuer: String,
    /// Who may come with a token of Entra's instead.
    pub entra: Entra,
    /// Whom a token must be meant for.
    pub audience: ClientId,
    /// Tells whether it is still good.
    pub clock: Arc<dyn Clock>,
    /// What is checked: everything.
    pub checks: Checks,
}

/// Why a request is not known to be the channel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// It is not: 401, and the word is for the log alone.
    #[error("request is not the channel's: {0}")]
    Refused(&'static str),
    /// Nobody can tell at the moment: 503.
    #[error(transparent)]
    NoKeys(#[from] NoKeys),
}

impl From<Check> for Unauthenticated {
    fn from(check: Check) -> Self {
        Self::Refused(check.reason())
    }
}

/// What a good token says.
#[derive(Debug, Clone)]
pub struct Authenticated {
    service_url: Option<String>,
    endorsements: Endorsements,
}

#[derive(Debug, Clone)]
enum Endorsements {
    /// The channel's key says for which channels it signs.
    Listed(Vec<String>),
    /// Entra's keys do not; the caller was looked at instead.
    ByCaller,
}

impl Authenticated {
    /// Whether the token was issued for activities with this service URL, as the activity spells it: equal but
    /// for case and one slash at the end. Entra's tokens need not say.
    #[must_use]
    pub fn is_for(&self, service_url: &str) -> bool {
        let bare = |url: &str| url.strip_suffix('/').unwrap_or(url).to_ascii_lowercase();
        self.service_url.as_deref().is_none_or(|named| bare(named) == bare(service_url))
    }

    /// Whether the key that signed it may sign for `channel`.
    ///
    /// The channel's keys without endorsements sign for Web Chat and Direct Line alone (protocol §4.2, [X 10]).
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
    /// Checks the value of an `Authorization` header.
    ///
    /// Everything the token says of itself is checked before a key is looked up, so that what cannot be good
    /// costs no fetch.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`], with the check that failed.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Authenticated, Unauthenticated> {
        let text = bearer(authorization)?;
        self.checks.require(Check::TokenSize, text.len() <= MAX_TOKEN_BYTES)?;
        let token = Token::read(text).ok_or(Unauthenticated::Refused("token is malformed"))?;
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

    /// Makes the keys ready that a request may need.
    pub async fn warm_up(&self) {
        let entra = async {
            if self.entra.has_callers() {
                self.entra.keys.warm().await;
            }
        };
        tokio::join!(self.keys.warm(), entra);
    }

    /// Keeps in the table what was fetched since; called once a request is taken, so that one that is refused
    /// leaves nothing behind.
    pub async fn keep_keys(&self) {
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
        let key = key.ok_or(Unauthenticated::Refused("key is unknown"))?;
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
        let key = key.ok_or(Unauthenticated::Refused("key is unknown"))?;
        self.checks.require(Check::KeyIssuer, issuer.is_of(&key))?;
        self.checks.require(Check::Signature, is_signed(token.message, token.signature, &key.decoding))?;
        Ok(Authenticated { service_url, endorsements: Endorsements::ByCaller })
    }

    fn check_header(&self, header: &Header) -> Result<(), Unauthenticated> {
        self.checks.require(Check::Algorithm, header.alg == "RS256")?;
        self.checks.require(Check::CriticalExtensions, !header.crit)?;
        self.checks.require(Check::Encoding, !(header.b64 || header.zip || header.cty))?;
        let is_access = |typ: &str| typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt");
        self.checks.require(Check::TokenType, header.typ.as_deref().is_none_or(is_access))?;
        if header.kid.is_empty() || header.kid.len() > MAX_KEY_ID_BYTES {
            return Err(Unauthenticated::Refused("key is unknown"));
        }
        Ok(())
    }

    fn check_claims(&self, claims: &Claims) -> Result<(), Check> {
        let now = self.clock.now().as_second();
        self.checks.require(Check::Audience, claims.aud.eq_ignore_ascii_case(self.audience.as_str()))?;
        // A time beyond what a clock can show is as far off as it gets.
        let second = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let (exp, nbf) = (second(claims.exp), second(claims.nbf));
        let is_sound = exp >= nbf && exp.saturating_sub(nbf) <= MAX_LIFE;
        self.checks.require(Check::Lifetime, is_sound)?;
        self.checks.require(Check::Expiry, now.saturating_sub(SKEW) <= exp)?;
        self.checks.require(Check::NotBefore, now.saturating_add(SKEW) >= nbf)?;
        let is_past = |iat: u64| now.saturating_add(SKEW) >= second(iat);
        self.checks.require(Check::IssuedAt, claims.iat.is_none_or(is_past))
    }
}

/// The token of an `Authorization` header: one scheme, one space, one token.
fn bearer(authorization: Option<&str>) -> Result<&str, Unauthenticated> {
    use Unauthenticated::Refused;

    let value = authorization.ok_or(Refused("no Authorization header"))?;
    let (scheme, token) = value.split_once(' ').ok_or(Refused("no bearer token"))?;
    if scheme.eq_ignore_ascii_case("Bearer") { Ok(token) } else { Err(Refused("no bearer token")) }
}

fn is_signed(message: &str, signature: &str, key: &jsonwebtoken::DecodingKey) -> bool {
    crypto::verify(signature, message.as_bytes(), key, Algorithm::RS256).unwrap_or(false)
}
