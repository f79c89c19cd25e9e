//! Inbound tokens: is this request the channel's? (protocol §4.2; RS256, issuer, audience, lifetime.)
//! What an authenticated activity may do is `inbound`'s policy.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::signing_keys::{NoKeys, SigningKeys};
use crate::clock::Clock;
use crate::ids::ClientId;
use crate::service_url::ServiceUrl;

/// Longest token looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far the channel's clock may be off, in seconds.
const SKEW: i64 = 300;

/// Longest life of a token, in seconds.
const MAX_LIFE: i64 = 24 * 3600;

/// Checks that a request is the channel's.
#[derive(Debug)]
pub struct Authenticator {
    /// The channel's keys.
    pub keys: SigningKeys,
    /// Who must have issued the token.
    pub issuer: String,
    /// Whom it must be meant for.
    pub audience: ClientId,
    /// Tells whether it is still good.
    pub clock: Arc<dyn Clock>,
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

/// What a good token says.
#[derive(Debug, Clone)]
pub struct Authenticated {
    service_url: String,
    endorsements: Vec<String>,
}

impl Authenticated {
    /// Whether the token was issued for activities with this service URL.
    #[must_use]
    pub fn is_for(&self, service_url: &ServiceUrl) -> bool {
        service_url.is_named_by(&self.service_url)
    }

    /// Whether the key that signed it may sign for `channel`.
    ///
    /// Keys without endorsements sign for all channels but Teams, whose keys always have them.
    #[must_use]
    pub fn is_endorsed_for(&self, channel: &str) -> bool {
        match self.endorsements.as_slice() {
            [] => channel != "msteams",
            endorsed => endorsed.iter().any(|name| name == channel),
        }
    }
}

impl Authenticator {
    /// Checks the value of an `Authorization` header.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`], with the check that failed.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Authenticated, Unauthenticated> {
        use Unauthenticated::Refused;

        let value = authorization.ok_or(Refused("no Authorization header"))?;
        let (scheme, token) = value.split_once(' ').ok_or(Refused("no bearer token"))?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(Refused("no bearer token"));
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused("token is too long"));
        }
        let header: Header = decode_header(token).ok_or(Refused("token header is malformed"))?;
        if header.alg != "RS256" {
            return Err(Refused("algorithm is not RS256"));
        }
        if header.crit.is_some() {
            return Err(Refused("token has critical extensions"));
        }
        let key = self.keys.find(&header.kid).await?.ok_or(Refused("key is unknown"))?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &signature_only())
            .map_err(|_| Refused("signature or claims are malformed"))?
            .claims;
        self.check(&claims)?;
        Ok(Authenticated { service_url: claims.serviceurl, endorsements: key.endorsements })
    }

    fn check(&self, claims: &Claims) -> Result<(), Unauthenticated> {
        use Unauthenticated::Refused;

        let now = self.clock.now().as_second();
        if claims.iss != self.issuer {
            return Err(Refused("issuer is another"));
        }
        if !claims.aud.eq_ignore_ascii_case(self.audience.as_str()) {
            return Err(Refused("audience is another"));
        }
        let (Ok(exp), Ok(nbf)) = (i64::try_from(claims.exp), i64::try_from(claims.nbf)) else {
            return Err(Refused("lifetime is out of range"));
        };
        if exp < nbf || exp.saturating_sub(nbf) > MAX_LIFE {
            return Err(Refused("lifetime is out of range"));
        }
        if now.saturating_sub(SKEW) > exp {
            return Err(Refused("token is expired"));
        }
        if now.saturating_add(SKEW) < nbf {
            return Err(Refused("token is not valid yet"));
        }
        Ok(())
    }
}

/// Our own header: the library's accepts more than it says.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// Our own claims: all required, each of one type, none twice.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: u64,
    nbf: u64,
    serviceurl: String,
}

fn decode_header(token: &str) -> Option<Header> {
    let encoded = token.split('.').next()?;
    let bytes = base64url(encoded)?;
    serde_json::from_slice(&bytes).ok()
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;

    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}

/// The library checks algorithm and signature; the claims are checked against our clock.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
