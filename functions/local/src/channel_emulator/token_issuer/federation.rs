//! Verifies assertions by the federated credentials of the registration (docs/protocol.md §3.3).
//! The keys of the issuer are fetched for each check. It has no knowledge of AWS.

use std::sync::Mutex;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herald::clock::Clock;
use serde_json::Value;

use super::super::http_client::HttpClient;
use super::super::lock::lock;
use super::assertion::Assertion;
use super::token_error::TokenError;

/// A federated credential; each member is compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// The issuer.
    pub issuer: String,
    /// The subject, e.g. the ARN of a role.
    pub subject: String,
    /// The audience.
    pub audience: String,
}

/// The federated credentials.
#[derive(Debug, Default)]
pub(in crate::channel_emulator) struct Federation(Mutex<Vec<FederatedCredential>>);

impl Federation {
    /// Adds a federated credential to the registration.
    pub(in crate::channel_emulator) fn add(&self, credential: FederatedCredential) {
        lock(&self.0).push(credential);
    }

    /// Whether issuer, subject and audience of `assertion` match one federated credential.
    pub(in crate::channel_emulator) async fn check(
        &self,
        http: &HttpClient,
        clock: &dyn Clock,
        assertion: &Assertion<'_>,
    ) -> Result<(), TokenError> {
        let mut trusted = lock(&self.0).clone();
        let mismatch = |code, what: &str| {
            let text = format!("No matching federated identity record found for presented assertion {what}.");
            TokenError::client(code, text)
        };
        if trusted.is_empty() {
            return Err(TokenError::client(70_021, "No matching federated identity record found."));
        }
        let issuer = assertion.claim("iss");
        trusted.retain(|credential| credential.issuer == issuer);
        if trusted.is_empty() {
            return Err(mismatch(700_211, "issuer"));
        }
        if !is_signed(http, issuer, assertion).await {
            return Err(Assertion::badly_signed());
        }
        assertion.check_time(clock.now())?;
        trusted.retain(|credential| credential.subject == assertion.claim("sub"));
        if trusted.is_empty() {
            return Err(mismatch(700_213, "subject"));
        }
        // A list of audiences is not text, and matches none.
        trusted.retain(|credential| credential.audience == assertion.claim("aud"));
        if trusted.is_empty() {
            return Err(mismatch(700_212, "audience"));
        }
        Ok(())
    }
}

/// Whether it is signed by a published key of the issuer.
async fn is_signed(http: &HttpClient, issuer: &str, assertion: &Assertion<'_>) -> bool {
    if assertion.header("alg") != "RS256" {
        return false;
    }
    let keys = published(http, issuer).await.unwrap_or_default();
    let mut keys = keys["keys"].as_array().into_iter().flatten();
    let Some(key) = keys.find(|key| key["kid"] == assertion.header["kid"]) else { return false };
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok();
    let (Some(n), Some(e)) = (part("n"), part("e")) else { return false };
    let key = RsaPublicKeyComponents { n, e };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, assertion.message.as_bytes(), &assertion.signature).is_ok()
}

/// Returns the key set of the issuer, from its discovery document.
async fn published(http: &HttpClient, issuer: &str) -> Option<Value> {
    let discovery = fetch(http, &format!("{issuer}/.well-known/openid-configuration")).await?;
    if discovery["issuer"] != issuer {
        return None;
    }
    fetch(http, discovery["jwks_uri"].as_str()?).await
}

async fn fetch(http: &HttpClient, url: &str) -> Option<Value> {
    let answer = http.get().ok()?.get(url).send().await.and_then(reqwest::Response::error_for_status).ok()?;
    serde_json::from_slice(&answer.bytes().await.ok()?).ok()
}
