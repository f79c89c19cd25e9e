//! Federated identity: acquires an identity token of AWS for a role that the registration trusts (docs/protocol.md §3.3).
//!
//! No secret is stored. The policy of the role determines who may request such a token.

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::aws::clients::Timeouts;
use crate::aws::failure::AwsFailure;
use crate::channel::auth::TokenError;
use crate::protocol::cloud::Cloud;

/// Lifetime of an identity token, in seconds; short, because it is exchanged immediately.
const LIFETIME: i32 = 300;

/// Only signing algorithm that Entra accepts.
const ALGORITHM: &str = "RS256";

/// Identity that AWS issues for the role of this process.
#[derive(Debug, Clone)]
pub struct FederatedIdentity {
    client: aws_sdk_sts::Client,
    audience: String,
}

/// Claims of an identity token, which the federated credential of the registration must match exactly.
///
/// They are for display: the signature is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityClaims {
    /// Issuer of the AWS account.
    pub issuer: String,
    /// ARN of the role.
    pub subject: String,
    /// Audience of Entra.
    pub audience: String,
}

/// Claims in the token.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
}

/// `aud` claim: a string, or a list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Listed([String; 1]),
}

impl FederatedIdentity {
    /// Returns the identity of the AWS credentials in `aws`, for the login service of `cloud`.
    #[must_use]
    pub fn new(cloud: &Cloud, aws: &SdkConfig) -> Self {
        let config = aws_sdk_sts::config::Builder::from(aws).timeout_config(Timeouts::IDENTITY.config());
        let client = aws_sdk_sts::Client::from_conf(config.build());
        Self { client, audience: cloud.token_exchange.clone() }
    }

    /// Returns the claims of an identity token of this process.
    ///
    /// # Errors
    ///
    /// [`TokenError`], when AWS issues no identity token.
    pub async fn claims(&self) -> Result<IdentityClaims, TokenError> {
        let token = self.assertion().await?;
        read(token.expose_secret()).ok_or_else(unreadable)
    }

    pub(super) async fn assertion(&self) -> Result<SecretString, TokenError> {
        let request = self.client.get_web_identity_token().audience(&self.audience);
        let answer = request.signing_algorithm(ALGORITHM).duration_seconds(LIFETIME).send().await;
        let answer = answer.map_err(|error| identity_error(AwsFailure::of(error)))?;
        answer.web_identity_token.map(SecretString::from).ok_or_else(unreadable)
    }
}

fn unreadable() -> TokenError {
    TokenError::NoIdentity(Box::new(AwsFailure::Unreadable))
}

/// Returns the error for a failed request for an identity token.
fn identity_error(failure: AwsFailure) -> TokenError {
    let explained = match &failure {
        AwsFailure::Rejected { code } => TokenError::identity_rejected(code),
        AwsFailure::Unreadable | AwsFailure::NotReached(_) => None,
    };
    explained.unwrap_or_else(|| TokenError::NoIdentity(Box::new(failure)))
}

fn read(token: &str) -> Option<IdentityClaims> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { iss, sub, aud } = serde_json::from_slice(&claims).ok()?;
    let (Audience::One(audience) | Audience::Listed([audience])) = aud;
    Some(IdentityClaims { issuer: iss, subject: sub, audience })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_a_string_or_a_list_of_one() {
        for aud in [r#""api://x""#, r#"["api://x"]"#] {
            let claims =
                URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"https://i","sub":"arn","aud":{aud},"x":1}}"#));
            let read = read(&format!("e30.{claims}.c2ln")).unwrap();
            assert_eq!((&*read.issuer, &*read.subject, &*read.audience), ("https://i", "arn", "api://x"));
        }
        assert_eq!(read("no token"), None);
    }
}
