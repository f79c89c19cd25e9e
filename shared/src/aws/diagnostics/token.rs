//! Check of token acquisition and of the federated trust: requests a token from the login service and drops it.
//!
//! With a federated identity both are one exchange, and a failure is reported for only one of them.

use super::{AwsRequest, Finding, explain, root};
use crate::aws::failure::AwsFailure;
use crate::aws::identity::{FederatedIdentity, IdentityClaims};
use crate::channel::auth::{TokenError, TokenProvider};
use crate::error::{BoxError, error_chain};

const TOKEN: &str = "token";
const TRUST: &str = "federated trust";

/// AADSTS codes of an identity token that no federated credential of the registration matches (docs/protocol.md §3.4).
const MISMATCHES: [u32; 5] = [70_021, 700_211, 700_212, 700_213, 7_002_131];

/// Requests a token with a secret or a certificate.
pub async fn token(tokens: &TokenProvider) -> Finding {
    match tokens.probe().await {
        Ok(()) => Finding::passed(TOKEN, "login issued one"),
        Err(error) => failed(TOKEN, &error),
    }
}

/// Requests a token with the federated identity; returns findings about the trust and about the token.
pub async fn federated(identity: &FederatedIdentity, tokens: &TokenProvider) -> [Finding; 2] {
    let claims = match identity.claims().await {
        Ok(claims) => claims,
        Err(error) => {
            return [
                failed(TRUST, &error),
                Finding::skipped(TOKEN, "there is no identity token to exchange"),
            ];
        }
    };
    let IdentityClaims { issuer, subject, audience } = &claims;
    let values = format!("issuer {issuer}, subject {subject}, audience {audience}");
    match tokens.probe().await {
        Ok(()) => [
            Finding::passed(TRUST, values),
            Finding::passed(TOKEN, "login issued one for the identity token"),
        ],
        Err(TokenError::Rejected { code, .. }) if MISMATCHES.contains(&code) => [
            Finding::failed(
                TRUST,
                format!("the registration does not trust this role ({})", mismatch(code)),
                format!(
                    "add a federated credential (Other issuer) with exactly these values to the app registration: {values}; \
                     one just created takes minutes"
                ),
            ),
            Finding::skipped(TOKEN, "needs the federated trust"),
        ],
        Err(error) => [
            Finding::skipped(
                TRUST,
                format!(
                    "login rejected the token for another reason; the federated credential needs {values}"
                ),
            ),
            failed(TOKEN, &error),
        ],
    }
}

fn mismatch(code: u32) -> String {
    let what = match code {
        700_211 => "unexpected issuer",
        700_212 => "unexpected audience",
        700_213 | 7_002_131 => "unexpected subject",
        _ => "no such federated credential",
    };
    format!("AADSTS{code}: {what}")
}

fn failed(what: &str, error: &TokenError) -> Finding {
    let (cause, fix) = match error {
        TokenError::Rejected { code, advice } => {
            (format!("login rejected the agent (AADSTS{code})"), (*advice).to_owned())
        }
        TokenError::IdentityRejected { code, advice } => {
            (format!("AWS issued no identity token ({code})"), (*advice).to_owned())
        }
        TokenError::UnknownRejection { .. } => (
            error.to_string(),
            "compare CLIENT_ID, TENANT_ID, REGISTRATION and CREDENTIAL with the app registration".to_owned(),
        ),
        TokenError::Unavailable { .. } => {
            (error.to_string(), "check CLOUD; if it is correct, check again in some minutes".to_owned())
        }
        TokenError::Unreachable(source) => (
            format!("{error}: {}", root(source)),
            "allow HTTPS to the login host of CLOUD: check DNS, firewall and, in a VPC, the NAT".to_owned(),
        ),
        TokenError::Unreadable => {
            (error.to_string(), "check CLOUD; a proxy may respond instead of login".to_owned())
        }
        TokenError::SecretUnread { variable, failure } => explain_source(
            failure,
            &AwsRequest {
                action: "secretsmanager:GetSecretValue",
                resource: &format!("the secret that {variable} names"),
                region: None,
                if_missing: &format!(
                    "set {variable} to the whole ARN of a secret in this account and region"
                ),
            },
        ),
        TokenError::UnusableCertificate(problem) => (
            format!("the secret that CLIENT_CERTIFICATE_ARN names is unusable: {problem}"),
            "store a certificate and its RSA private key in it, both in PEM".to_owned(),
        ),
        TokenError::NoIdentity(failure) => explain_source(
            failure,
            &AwsRequest {
                action: "sts:GetWebIdentityToken",
                resource: "the role's identity token",
                region: None,
                if_missing: "deploy the template with Credential=federated",
            },
        ),
    };
    Finding::failed(what, cause, fix)
}

fn explain_source(failure: &BoxError, request: &AwsRequest<'_>) -> (String, String) {
    match failure.downcast_ref::<AwsFailure>() {
        Some(failure) => explain(failure, request),
        None => (error_chain(failure.as_ref()).to_string(), request.if_missing.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::diagnostics::Outcome;

    fn cause_and_fix(error: &TokenError) -> (String, String) {
        match failed(TOKEN, error).outcome {
            Outcome::Failed { cause, fix } => (cause, fix),
            other @ (Outcome::Passed(_) | Outcome::Skipped(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_token_error_has_its_own_fix() {
        let denied = || Box::new(AwsFailure::Rejected { code: "AccessDeniedException".to_owned() });
        let variable = "CLIENT_SECRET_ARN";
        for (error, part) in [
            (TokenError::Rejected { code: 90_002, advice: "check both" }, "check both"),
            (TokenError::UnknownRejection { status: 400, error: "invalid_grant".to_owned() }, "REGISTRATION"),
            (TokenError::Unavailable { status: 503, retry_after: None }, "again in some minutes"),
            (TokenError::Unreadable, "CLOUD"),
            (TokenError::SecretUnread { variable, failure: denied() }, "allow secretsmanager:GetSecretValue"),
            (TokenError::UnusableCertificate("it has no private key"), "PEM"),
            (TokenError::IdentityRejected { code: "X".to_owned(), advice: "enable it" }, "enable it"),
            (TokenError::NoIdentity(denied()), "allow sts:GetWebIdentityToken"),
        ] {
            let (cause, fix) = cause_and_fix(&error);
            assert!(!cause.is_empty() && fix.contains(part), "{error}: {cause} / {fix}");
        }
    }
}
