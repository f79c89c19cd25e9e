//! Parses client assertions, which are signed by a certificate of the client or by another issuer.
//! `certificate` and `federation` verify them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::token_error::TokenError;

/// The assertion type of a token request.
pub(in crate::channel_emulator) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A parsed assertion.
#[derive(Debug)]
pub(in crate::channel_emulator) struct Assertion<'a> {
    pub(in crate::channel_emulator) header: Value,
    pub(super) claims: Value,
    /// The signed bytes.
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    pub(in crate::channel_emulator) fn parse(text: &'a str) -> Result<Self, TokenError> {
        Self::read(text)
            .ok_or_else(|| TokenError::new(400, "invalid_request", 50_027, "JWT token is malformed."))
    }

    fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            message,
            signature: decode(signature)?,
        })
    }

    /// Returns a member of the header as text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.header[name].as_str().unwrap_or_default()
    }

    /// Returns a claim as text.
    pub(super) fn claim(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or_default()
    }

    /// Whether it is valid at this time; without an expiry it never is.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), TokenError> {
        let now = now.as_second();
        let begins = self.claims["nbf"].as_i64().or(self.claims["iat"].as_i64());
        let ends = self.claims["exp"].as_i64();
        if begins.is_some_and(|begins| begins <= now) && ends.is_some_and(|ends| now < ends) {
            return Ok(());
        }
        Err(TokenError::client(700_024, "Client assertion is not within its valid time range."))
    }

    pub(super) fn badly_signed() -> TokenError {
        TokenError::client(
            700_027,
            "The certificate or key of the client assertion is not configured, or its signature is invalid.",
        )
    }
}
