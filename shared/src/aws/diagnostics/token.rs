//! Token acquisition and the federated trust: asks the login service for a token, and drops it.
//! With a federated identity the two are one exchange; what is wrong is said of one of them alone.

use super::{AwsRequest, Finding, explain, root};
use crate::aws::failure::AwsFailure;
use crate::aws::identity::{FederatedIdentity, IdentityClaims};
use crate::channel::auth::{TokenError, TokenProvider};
use crate::error::{BoxError, error_chain};

const TOKEN: &str = "token";
const TRUST: &str = "federated trust";

/// No federated credential of the registration fits the identity token, in whole or in part (protocol §3.4).
const MISMATCHES: [u32; 5] = [70_021, 700_211, 700_212, 700_213, 7_002_131];

/// Asks for a token with a secret or a certificate.
pub async fn token(tokens: &TokenProvider) -> Finding {
    match tokens.probe().await {
        Ok(()) => Finding::passed(TOKEN, "login gave one"),
        Err(error) => refused(TOKEN, &error),
    }
}

/// Asks for a token with the federated identity; says of both, the trust and the token.
pub async fn federated(identity: &FederatedIdentity, tokens: &TokenProvider) -> [Finding; 2] {
    let claims = match identity.claims().await {
        Ok(claims) => claims,
        Err(error) => {
            return [
                refused(TRUST, &error),
                Finding::skipped(TOKEN, "there is no identity token to exchange for one"),
            ];
        }
    };
    let IdentityClaims { issuer, subject, audience } = &claims;
    let values = format!("issuer {issuer}, subject {subject}, audience {audience}");
    match tokens.probe().await {
        Ok(()) => {
            [Finding::passed(TRUST, values), Finding::passed(TOKEN, "login gave one for the identity token")]
        }
        Err(TokenError::Refused { code, .. }) if MISMATCHES.contains(&code) => [
            Finding::failed(
                TRUST,
                format!("the registration does not trust this role ({})", mismatch(code)),
                format!(
                    "give the app registration a federated credential (Other issuer) with exactly these: {values}; \
                     one just created takes minutes to count"
                ),
            ),
            Finding::skipped(TOKEN, "it takes the federated trust"),
        ],
        Err(error) => [
            Finding::skipped(TRUST, format!("login refused for another reason; it has to know {values}")),
            refused(TOKEN, &error),
        ],
    }
}

fn mismatch(code: u32) -> String {
    let what = match code {
        700_211 => "the issuer is another",
        700_212 => "the audience is another",
        700_213 | 7_002_131 => "the subject is another",
        _ => "it has no such credential",
    };
    format!("AADSTS{code}: {what}")
}

fn refused(what: &str, error: &TokenError) -> Finding {
    let (cause, fix) = match error {
        TokenError::Refused { code, advice } => {
            (format!("login refused the agent (AADSTS{code})"), (*advice).to_owned())
        }
        TokenError::IdentityRefused { code, advice } => {
            (format!("AWS refused an identity token ({code})"), (*advice).to_owned())
        }
        TokenError::RefusedOtherwise { .. } => (
            error.to_string(),
            "compare CLIENT_ID, TENANT_ID, REGISTRATION and CREDENTIAL with the app registration".to_owned(),
        ),
        TokenError::Unavailable { .. } => {
            (error.to_string(), "check CLOUD; if it is right, check again in some minutes".to_owned())
        }
        TokenError::Unreachable(source) => (
            format!("{error}: {}", root(source)),
            "let the login host of CLOUD be reached by https: check DNS, firewall and, in a VPC, the NAT"
                .to_owned(),
        ),
        TokenError::Unreadable => {
            (error.to_string(), "check CLOUD; something on the way may answer in login's place".to_owned())
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
            format!("what CLIENT_CERTIFICATE_ARN names is unusable: {problem}"),
            "keep a certificate and its RSA private key there, both in PEM".to_owned(),
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

fn explain_source(failure: &BoxError, asked: &AwsRequest<'_>) -> (String, String) {
    match failure.downcast_ref::<AwsFailure>() {
        Some(failure) => explain(failure, asked),
        None => (error_chain(failure.as_ref()).to_string(), asked.if_missing.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::diagnostics::Outcome;

    fn cause_and_fix(error: &TokenError) -> (String, String) {
        match refused(TOKEN, error).outcome {
            Outcome::Failed { cause, fix } => (cause, fix),
            other @ (Outcome::Passed(_) | Outcome::Skipped(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_refusal_has_a_fix_of_its_own() {
        let denied = || Box::new(AwsFailure::Refused { code: "AccessDeniedException".to_owned() });
        let variable = "CLIENT_SECRET_ARN";
        for (error, part) in [
            (TokenError::Refused { code: 90_002, advice: "check both" }, "check both"),
            (TokenError::RefusedOtherwise { status: 400, error: "invalid_grant".to_owned() }, "REGISTRATION"),
            (TokenError::Unavailable { status: 503 }, "again in some minutes"),
            (TokenError::Unreadable, "CLOUD"),
            (TokenError::SecretUnread { variable, failure: denied() }, "allow secretsmanager:GetSecretValue"),
            (TokenError::UnusableCertificate("it has no private key"), "PEM"),
            (TokenError::IdentityRefused { code: "X".to_owned(), advice: "switch it on" }, "switch it on"),
            (TokenError::NoIdentity(denied()), "allow sts:GetWebIdentityToken"),
        ] {
            let (cause, fix) = cause_and_fix(&error);
            assert!(!cause.is_empty() && fix.contains(part), "{error}: {cause} / {fix}");
        }
    }
}
