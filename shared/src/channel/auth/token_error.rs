//! Why no outbound token could be had, in words that say what to fix (docs/protocol.md §3.4).
//! The services' own text is not passed on: it may name ids.

mod advice;

use serde::Deserialize;

use crate::error::BoxError;

/// The client assertion was used too early or too late.
pub(super) const OUTSIDE_VALIDITY: u32 = 700_024;

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
    Unreadable,
    /// The client secret or the certificate could not be read.
    #[error("what {variable} names could not be read: check the ARN, and the role's right to read it")]
    SecretUnread {
        /// The variable of the configuration that holds the ARN.
        variable: &'static str,
        /// What happened.
        #[source]
        failure: BoxError,
    },
    /// What is kept as the certificate is not one with its private key.
    #[error(
        "what CLIENT_CERTIFICATE_ARN names is unusable: {0}; it takes a certificate and its RSA key in PEM"
    )]
    UnusableCertificate(&'static str),
    /// AWS refused an identity token, and will until the account or the configuration is mended.
    #[error("AWS refused an identity token ({code}): {advice}")]
    IdentityRefused {
        /// AWS's code.
        code: String,
        /// What to fix.
        advice: &'static str,
    },
    /// AWS gave no identity token for another reason.
    #[error("AWS gave no identity token: check that AWS_REGION is set and that its STS can be reached")]
    NoIdentity(#[source] BoxError),
}

/// The body of a refusal.
#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl TokenError {
    /// What the login service's refusal means.
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        if status == 429 || status >= 500 || refusal.error == "temporarily_unavailable" {
            return Self::Unavailable { status };
        }
        let known = refusal.error_codes.iter().find_map(|code| Some((*code, advice::on_login(*code)?)));
        match known {
            Some((code, advice)) => Self::Refused { code, advice },
            None => Self::RefusedOtherwise { status, error: word(&refusal.error) },
        }
    }

    /// Returns the error for an identity token that AWS refused with `code`, where there is advice for it.
    #[must_use]
    pub fn identity_refused(code: &str) -> Option<Self> {
        advice::on_identity(code).map(|advice| Self::IdentityRefused { code: code.to_owned(), advice })
    }

    /// Whether every request of this agent fails in the same way until its configuration is corrected.
    #[must_use]
    pub fn is_systemic(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::RefusedOtherwise { .. }
            | Self::SecretUnread { .. }
            | Self::UnusableCertificate(_)
            | Self::IdentityRefused { .. }
            | Self::NoIdentity(_) => true,
            Self::Unavailable { .. } | Self::Unreachable(_) | Self::Unreadable => false,
        }
    }
}

/// OAuth's error word, or nothing if it is not one.
fn word(error: &str) -> String {
    error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u32) -> String {
        let body = format!(
            r#"{{"error":"invalid_client","error_codes":[1,{code}],"error_description":"user x@y of 5d0c9c1e"}}"#
        );
        TokenError::of(401, body.as_bytes()).to_string()
    }

    #[test]
    fn every_refusal_of_login_names_what_to_fix() {
        for (code, named) in [
            (7_000_215, &["CLIENT_SECRET", "value"][..]),
            (7_000_222, &["CLIENT_SECRET", "expired"]),
            (700_016, &["CLIENT_ID", "TENANT_ID", "REGISTRATION"]),
            (7_000_229, &["service principal", "TENANT_ID"]),
            (90_002, &["TENANT_ID", "CLOUD"]),
            (500_011, &["CLOUD"]),
            (700_027, &["CLIENT_CERTIFICATE_ARN", "signature"]),
            (700_024, &["clock"]),
            (700_021, &["CLIENT_ID"]),
            (700_023, &["CLOUD", "TENANT_ID"]),
            (7_000_214, &["CLIENT_CERTIFICATE_ARN", "revoked"]),
            (7_000_277, &["CLIENT_CERTIFICATE_ARN", "revoked"]),
            (1_000_502, &["CLIENT_CERTIFICATE_ARN", "validity"]),
            (7_000_274, &["CLIENT_CERTIFICATE_ARN", "validity", "signature"]),
            (70_021, &["issuer", "subject", "audience", "minutes"]),
            (700_211, &["issuer", "minutes"]),
            (700_212, &["audience", "minutes"]),
            (700_213, &["subject", "minutes"]),
            (7_002_131, &["subject", "minutes"]),
            (7_000_216, &["CREDENTIAL", "CLIENT_SECRET", "CLIENT_CERTIFICATE_ARN"]),
            (7_000_218, &["CREDENTIAL", "CLIENT_SECRET", "CLIENT_CERTIFICATE_ARN"]),
        ] {
            let text = refusal(code);
            assert!(text.contains(&format!("AADSTS{code}")), "{text}");
            for name in named {
                assert!(text.contains(name), "`{name}` is not in: {text}");
            }
            assert!(!text.contains("x@y") && !text.contains("5d0c9c1e"), "{text}");
        }
    }

    #[test]
    fn a_federated_mismatch_names_no_member_but_the_one_that_differs() {
        for (code, others) in [
            (700_211, ["subject", "audience"]),
            (700_212, ["issuer", "subject"]),
            (700_213, ["issuer", "audience"]),
        ] {
            let text = refusal(code);
            assert!(others.iter().all(|other| !text.contains(other)), "{text}");
        }
    }

    #[test]
    fn every_refusal_of_an_identity_token_says_what_to_do() {
        for (code, named) in [
            (
                "OutboundWebIdentityFederationDisabledException",
                "aws iam enable-outbound-web-identity-federation",
            ),
            ("OutboundWebIdentityFederationDisabled", "aws iam enable-outbound-web-identity-federation"),
            ("AccessDenied", "sts:GetWebIdentityToken"),
            ("AccessDeniedException", "sts:GetWebIdentityToken"),
            ("InvalidAction", "global"),
            ("UnknownOperationException", "global"),
            ("RegionDisabledException", "AWS_REGION"),
            ("ValidationError", "CLOUD"),
            ("InvalidParameterValue", "CLOUD"),
            ("SessionDurationEscalationException", "session"),
            ("JWTPayloadSizeExceededException", "tags"),
            ("InvalidClientTokenId", "AWS credentials"),
            ("UnrecognizedClientException", "AWS credentials"),
            ("ExpiredTokenException", "AWS credentials"),
            ("SignatureDoesNotMatch", "clock"),
        ] {
            let text = TokenError::identity_refused(code).unwrap().to_string();
            assert!(text.contains(code) && text.contains(named), "{code}: {text}");
        }
        assert!(TokenError::identity_refused("Throttling").is_none());
    }

    #[test]
    fn an_unknown_refusal_keeps_the_word_alone() {
        let error = TokenError::of(400, br#"{"error":"invalid_grant","error_description":"user x@y"}"#);

        assert_eq!(error.to_string(), "login refused the agent (status 400, error `invalid_grant`)");
        assert!(matches!(TokenError::of(503, b"<html>"), TokenError::Unavailable { status: 503 }));
    }
}
