//! What the login service gives: a token and how long it is good (docs/protocol.md §3.4).
//! An answer that cannot be used is dropped whole; no part of it reaches an error or the log.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

/// Longest a token is kept, whatever the login service says.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

/// A token and how long it is good.
#[derive(Debug)]
pub(super) struct TokenResponse {
    pub(super) text: SecretString,
    pub(super) life: Duration,
}

#[derive(Deserialize)]
struct Body {
    access_token: SecretString,
    expires_in: Value,
}

impl TokenResponse {
    /// Reads the body of an answer; `None`: it holds no usable token.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Body { access_token: text, expires_in } = serde_json::from_slice(body).ok()?;
        // It becomes a header: nothing may end that early.
        let bytes = text.expose_secret().as_bytes();
        if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(Self { life: life(&expires_in)?, text })
    }
}

/// Seconds as a number, or as the text of one; what is out of range counts as the nearest that is not.
fn life(expires_in: &Value) -> Option<Duration> {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let seconds = Some(seconds).filter(|seconds: &f64| seconds.is_finite())?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, MAX_LIFE.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seconds(expires_in: &Value) -> Option<u64> {
        let body = json!({ "access_token": "t", "expires_in": expires_in }).to_string();
        TokenResponse::read(body.as_bytes()).map(|grant| grant.life.as_secs())
    }

    #[test]
    fn a_life_is_a_number_or_the_text_of_one_between_none_and_a_day() {
        for (expires_in, life) in [
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
            assert_eq!(seconds(&expires_in), life, "{expires_in}");
        }
    }

    #[test]
    fn a_token_of_anything_but_visible_ascii_is_refused() {
        for token in ["", "a b", "a\r\nx: y", "a\u{0}", "é", "a\u{7f}"] {
            let body = json!({ "access_token": token, "expires_in": 3599 }).to_string();
            assert!(TokenResponse::read(body.as_bytes()).is_none(), "{token:?}");
        }
        assert!(TokenResponse::read(br#"{"expires_in":3599}"#).is_none());
    }
}
