//! Decodes the response of the token endpoint: a token and its lifetime (docs/protocol.md §3.4).
//!
//! No part of a malformed response reaches an error or the log.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

/// Upper bound of a token's lifetime.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Token and its lifetime.
#[derive(Debug)]
pub(super) struct TokenResponse {
    pub(super) text: SecretString,
    pub(super) lifetime: Duration,
}

#[derive(Deserialize)]
struct Body {
    access_token: SecretString,
    expires_in: Value,
}

impl TokenResponse {
    /// Decodes the body of a response; `None` when it has no usable token.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Body { access_token: text, expires_in } = serde_json::from_slice(body).ok()?;
        // The token becomes a header value, which takes only visible ASCII.
        let bytes = text.expose_secret().as_bytes();
        if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(Self { lifetime: lifetime(&expires_in)?, text })
    }
}

/// Returns the lifetime from seconds as a number or a string, clamped to 0 to 24 hours.
fn lifetime(expires_in: &Value) -> Option<Duration> {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let seconds = Some(seconds).filter(|seconds: &f64| seconds.is_finite())?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, MAX_LIFETIME.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seconds(expires_in: &Value) -> Option<u64> {
        let body = json!({ "access_token": "t", "expires_in": expires_in }).to_string();
        TokenResponse::read(body.as_bytes()).map(|response| response.lifetime.as_secs())
    }

    #[test]
    fn a_lifetime_is_a_number_or_string_clamped_to_a_day() {
        for (expires_in, lifetime) in [
            (json!(3599), Some(3599)),
            (json!("3599"), Some(3599)),
            (json!(0), Some(0)),
            (json!(-1), Some(0)),
            (json!("-1"), Some(0)),
            (json!(1_000_000_000_000_u64), Some(86_400)),
            (json!(1e300), Some(86_400)),
            (json!("soon"), None),
            (json!("NaN"), None),
            (json!(null), None),
            (json!([3599]), None),
        ] {
            assert_eq!(seconds(&expires_in), lifetime, "{expires_in}");
        }
    }

    #[test]
    fn a_token_with_other_than_visible_ascii_is_rejected() {
        for token in ["", "a b", "a\r\nx: y", "a\u{0}", "é", "a\u{7f}"] {
            let body = json!({ "access_token": token, "expires_in": 3599 }).to_string();
            assert!(TokenResponse::read(body.as_bytes()).is_none(), "{token:?}");
        }
        assert!(TokenResponse::read(br#"{"expires_in":3599}"#).is_none());
    }
}
