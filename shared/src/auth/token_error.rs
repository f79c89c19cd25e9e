//! Why no outbound token could be had, in words that say what to fix (protocol §3.4).
//! The login service's own text is not passed on: it may name ids.

use serde::Deserialize;

/// Why no outbound token could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The login service refused, and will until the configuration is mended.
    #[error("login refused the agent (AADSTS{code}): {advice}")]
    Refused {
        /// The login service's code.
        code: u32,
        /// What to fix.
        advice: &'static str,
    },
    /// The login service refused without a code that is known here.
    #[error("login refused the agent (status {status}, error `{error}`)")]
    RefusedOtherwise {
        /// HTTP status of the answer.
        status: u16,
        /// OAuth's word for it.
        error: String,
    },
    /// The login service is busy or failing.
    #[error("login answered {status}")]
    Unavailable {
        /// HTTP status of the answer.
        status: u16,
    },
    /// The login service could not be reached.
    #[error("login could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The login service's answer could not be read.
    #[error("login gave an answer that is not a token")]
    Unreadable(#[source] Option<serde_json::Error>),
    /// The client secret could not be read.
    #[error("client secret could not be read: check CLIENT_SECRET_ARN and the role's right to read it")]
    NoSecret(#[source] Option<crate::BoxError>),
}

/// The body of a refusal.
#[derive(Deserialize, Default)]
pub(super) struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl TokenError {
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        if status == 429 || status >= 500 || refusal.error == "temporarily_unavailable" {
            return Self::Unavailable { status };
        }
        let known = refusal.error_codes.iter().find_map(|code| Some((*code, advice(*code)?)));
        match known {
            Some((code, advice)) => Self::Refused { code, advice },
            None => Self::RefusedOtherwise { status, error: word(&refusal.error) },
        }
    }
}

fn advice(code: u32) -> Option<&'static str> {
    Some(match code {
        7_000_215 => "CLIENT_SECRET is wrong: use the secret's value, not its id",
        7_000_222 => "the client secret has expired: make a new one in the app registration",
        700_016 => "CLIENT_ID is not in that tenant: check CLIENT_ID, TENANT_ID and the registration's kind",
        7_000_229 => "the app has no service principal in the tenant: create its enterprise application",
        90_002 => "TENANT_ID names no tenant of this CLOUD",
        500_011 => "the token's scope is unknown in this CLOUD: check CLOUD",
        7_000_216 | 7_000_218 => "no client secret was sent: set CLIENT_SECRET or CLIENT_SECRET_ARN",
        _ => return None,
    })
}

/// OAuth's error word, or nothing if it is not one.
fn word(error: &str) -> String {
    error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_secret_says_what_to_fix() {
        let error = TokenError::of(401, br#"{"error":"invalid_client","error_codes":[7000215]}"#);

        assert_eq!(
            error.to_string(),
            "login refused the agent (AADSTS7000215): CLIENT_SECRET is wrong: use the secret's value, not its id"
        );
    }

    #[test]
    fn an_unknown_refusal_keeps_the_word_alone() {
        let error = TokenError::of(400, br#"{"error":"invalid_grant","error_description":"user x@y"}"#);

        assert_eq!(error.to_string(), "login refused the agent (status 400, error `invalid_grant`)");
        assert!(matches!(TokenError::of(503, b"<html>"), TokenError::Unavailable { status: 503 }));
    }
}
