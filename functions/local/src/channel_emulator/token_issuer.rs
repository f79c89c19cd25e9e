//! Issues access tokens, and checks the credentials of the one registration it knows (protocol §3.1 to §3.4).

mod assertion;
mod certificate;
mod federation;
mod token_error;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};

pub(super) use self::assertion::{Assertion, KIND};
use self::certificate::Certificates;
pub use self::federation::FederatedCredential;
use self::federation::Federation;
pub(super) use self::token_error::TokenError;
use super::lock::lock;

/// How long a token is good.
pub(super) const LIFE: SignedDuration = SignedDuration::from_secs(3600);

/// The tokens that were issued, and what of the registration may change while the channel runs.
#[derive(Debug, Default)]
pub(super) struct TokenIssuer {
    pub(super) expiries: Mutex<HashMap<String, Timestamp>>,
    pub(super) requests: AtomicU64,
    pub(super) certificates: Certificates,
    pub(super) federation: Federation,
}

impl TokenIssuer {
    /// Whether the request bears a token that was issued here and has not ended.
    pub(super) fn admits(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| lock(&self.expiries).get(token).is_some_and(|expiry| now < *expiry))
    }

    /// Makes `token` good from `now` on.
    pub(super) fn issue(&self, token: String, now: Timestamp) {
        lock(&self.expiries).insert(token, now + LIFE);
    }
}
