//! Issues access tokens, and checks the credentials of the one registration it knows (docs/protocol.md §3.1 to §3.4).

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

/// Lifetime of a token.
pub(super) const LIFE: SignedDuration = SignedDuration::from_secs(3600);

/// The issued tokens, and the credentials of the registration.
#[derive(Debug, Default)]
pub(super) struct TokenIssuer {
    pub(super) expiries: Mutex<HashMap<String, Timestamp>>,
    pub(super) requests: AtomicU64,
    pub(super) certificates: Certificates,
    pub(super) federation: Federation,
}

impl TokenIssuer {
    /// Whether the request has an issued token that has not expired.
    pub(super) fn admits(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| lock(&self.expiries).get(token).is_some_and(|expiry| now < *expiry))
    }

    /// Adds `token`, valid from `now` on.
    pub(super) fn issue(&self, token: String, now: Timestamp) {
        lock(&self.expiries).insert(token, now + LIFE);
    }
}
