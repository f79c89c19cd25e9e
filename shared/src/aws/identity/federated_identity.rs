//! The federated identity: AWS says which role the agent has, and the registration trusts that role (docs/protocol.md §3.3).
//! No secret is kept anywhere; who may have such a token made is the role's policy.

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::aws::failure::{AwsFailure, timeout};
use crate::channel::auth::TokenError;
use crate::protocol::cloud::Cloud;

/// How long a token is good, in seconds: it is exchanged at once.
const LIFE: i32 = 300;

/// The only signature that Entra takes.
const ALGORITHM: &str = "RS256";

/// The identity that AWS gives to the role of this process.
#[derive(Debug, Clone)]
pub struct FederatedIdentity {
    client: aws_sdk_sts::Client,
    audience: String,
}

/// What the identity token says, as the federated credential of the registration must have it, letter by letter.
///
/// It is for an operator's eyes: the signature is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityClaims {
    /// Who says it: the AWS account's own issuer.
    pub issuer: String,
    /// Of whom: the ARN of the role.
    pub subject: String,
    /// To whom: Entra.
    pub audience: String,
}

/// `aud` is one text, or a list of one.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Listed([String; 1]),
}

impl FederatedIdentity {
    /// The identity of whoever `aws` has the credentials of, for the login service of `cloud`.
    #[must_use]
    pub fn new(cloud: &Cloud, aws: &SdkConfig) -> Self {
        let config = aws_sdk_sts::config::Builder::from(aws).timeout_config(timeout());
        let client = aws_sdk_sts::Client::from_conf(config.build());
        Self { client, audience: cloud.token_exchange.clone() }
    }

    /// What AWS says of this process.
    ///
    /// # Errors
    ///
    /// When AWS gives no identity token, with what to do about it.
    pub async fn claims(&self) -> Result<IdentityClaims, TokenError> {
        let token = self.assertion().await?;
        read(token.expose_secret()).ok_or_else(unreadable)
    }

    pub(super) async fn assertion(&self) -> Result<SecretString, TokenError> {
        let request = self.client.get_web_identity_token().audience(&self.audience);
        let answer = request.signing_algorithm(ALGORITHM).duration_seconds(LIFE).send().await;
        let answer = answer.map_err(|error| refused(AwsFailure::of(error)))?;
        answer.web_identity_token.map(SecretString::from).ok_or_else(unreadable)
    }
}

fn unreadable() -> TokenError {
    TokenError::NoIdentity(Box::new(AwsFailure::Unreadable))
}

/// Returns the error for a failed request for an identity token.
fn refused(failure: AwsFailure) -> TokenError {
    let explained = match &failure {
        AwsFailure::Refused { code } => TokenError::identity_refused(code),
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
    fn an_audience_is_read_alone_or_in_a_list() {
        for aud in [r#""api://x""#, r#"["api://x"]"#] {
            let claims =
                URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"https://i","sub":"arn","aud":{aud},"x":1}}"#));
            let read = read(&format!("e30.{claims}.c2ln")).unwrap();
            assert_eq!((&*read.issuer, &*read.subject, &*read.audience), ("https://i", "arn", "api://x"));
        }
        assert_eq!(read("no token"), None);
    }
}
