//! Errors of acquiring an outbound token, each with advice on how to fix it (docs/protocol.md §3.4).
//!
//! The text of the services is not passed on, because it may contain ids.

mod advice;

use std::time::Duration;

use serde::Deserialize;

use crate::error::BoxError;

/// AADSTS code of a client assertion that is expired or not valid yet.
pub(super) const OUTSIDE_VALIDITY: u32 = 700_024;

/// Error of acquiring an outbound token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The login service rejected the agent, and will until the configuration is corrected.
    #[error("login rejected the agent (AADSTS{code}): {advice}")]
    Rejected {
        /// AADSTS code.
        code: u32,
        /// Advice on how to fix it.
        advice: &'static str,
    },
    /// The login service rejected the agent with an unknown code.
    #[error("login rejected the agent (status {status}, error `{error}`)")]
    UnknownRejection {
        /// HTTP status.
        status: u16,
        /// OAuth error code.
        error: String,
    },
    /// The login service is throttling or failing.
    #[error("login answered {status}")]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// Value of the `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// The login service did not respond.
    #[error("could not reach login")]
    Unreachable(#[source] reqwest::Error),
    /// The response of the login service could not be decoded.
    #[error("login returned a malformed token response")]
    Unreadable,
    /// The client secret or the certificate could not be read.
    #[error("could not read the secret that {variable} names: check the ARN and the permissions of the role")]
    SecretUnread {
        /// Environment variable with the ARN.
        variable: &'static str,
        /// The error.
        #[source]
        failure: BoxError,
    },
    /// The stored text is not a certificate with its private key.
    #[error(
        "the secret that CLIENT_CERTIFICATE_ARN names is unusable: {0}; store a certificate and its RSA key in PEM"
    )]
    UnusableCertificate(&'static str),
    /// AWS rejected the request for an identity token, and will until the account or the configuration is corrected.
    #[error("AWS issued no identity token ({code}): {advice}")]
    IdentityRejected {
        /// Error code of AWS.
        code: String,
        /// Advice on how to fix it.
        advice: &'static str,
    },
    /// AWS issued no identity token for another reason.
    #[error("AWS issued no identity token: check that AWS_REGION is set and that its STS can be reached")]
    NoIdentity(#[source] BoxError),
}

/// Body of an OAuth error response.
#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl TokenError {
    /// Returns the error for an error response of the login service.
    pub(super) fn of(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let response: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        if status == 429 || status >= 500 || response.error == "temporarily_unavailable" {
            return Self::Unavailable { status, retry_after };
        }
        let known = response.error_codes.iter().find_map(|code| Some((*code, advice::on_login(*code)?)));
        match known {
            Some((code, advice)) => Self::Rejected { code, advice },
            None => Self::UnknownRejection { status, error: oauth_code(&response.error) },
        }
    }

    /// Returns the error for an identity token that AWS rejected with `code`, if there is advice for that code.
    #[must_use]
    pub fn identity_rejected(code: &str) -> Option<Self> {
        advice::on_identity(code).map(|advice| Self::IdentityRejected { code: code.to_owned(), advice })
    }

    /// Returns how long the login service asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Rejected { .. }
            | Self::UnknownRejection { .. }
            | Self::Unreachable(_)
            | Self::Unreadable
            | Self::SecretUnread { .. }
            | Self::UnusableCertificate(_)
            | Self::IdentityRejected { .. }
            | Self::NoIdentity(_) => None,
        }
    }

    /// Whether every request of this agent fails in the same way until its configuration is corrected.
    #[must_use]
    pub fn is_systemic(&self) -> bool {
        match self {
            Self::Rejected { .. }
            | Self::UnknownRejection { .. }
            | Self::SecretUnread { .. }
            | Self::UnusableCertificate(_)
            | Self::IdentityRejected { .. }
            | Self::NoIdentity(_) => true,
            Self::Unavailable { .. } | Self::Unreachable(_) | Self::Unreadable => false,
        }
    }
}

/// Returns the characters of `error` that an OAuth error code may have, so that no other text is logged.
fn oauth_code(error: &str) -> String {
    error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_text(code: u32) -> String {
        let body = format!(
            r#"{{"error":"invalid_client","error_codes":[1,{code}],"error_description":"user x@y of 5d0c9c1e"}}"#
        );
        TokenError::of(401, None, body.as_bytes()).to_string()
    }

    #[test]
    fn every_login_error_names_what_to_fix() {
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
            let text = error_text(code);
            assert!(text.contains(&format!("AADSTS{code}")), "{text}");
            for name in named {
                assert!(text.contains(name), "`{name}` is not in: {text}");
            }
            assert!(!text.contains("x@y") && !text.contains("5d0c9c1e"), "{text}");
        }
    }

    #[test]
    fn a_federated_mismatch_names_only_the_claim_that_differs() {
        for (code, others) in [
            (700_211, ["subject", "audience"]),
            (700_212, ["issuer", "subject"]),
            (700_213, ["issuer", "audience"]),
        ] {
            let text = error_text(code);
            assert!(others.iter().all(|other| !text.contains(other)), "{text}");
        }
    }

    #[test]
    fn every_identity_token_error_has_advice() {
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
            let text = TokenError::identity_rejected(code).unwrap().to_string();
            assert!(text.contains(code) && text.contains(named), "{code}: {text}");
        }
        assert!(TokenError::identity_rejected("Throttling").is_none());
    }

    #[test]
    fn an_unknown_rejection_keeps_only_the_oauth_code() {
        let error = TokenError::of(400, None, br#"{"error":"invalid_grant","error_description":"user x@y"}"#);

        assert_eq!(error.to_string(), "login rejected the agent (status 400, error `invalid_grant`)");
        let wait = Some(Duration::from_secs(7));
        let unavailable = TokenError::of(503, wait, b"<html>");
        assert!(matches!(unavailable, TokenError::Unavailable { status: 503, .. }));
        assert_eq!(unavailable.retry_after(), wait);
    }
}
