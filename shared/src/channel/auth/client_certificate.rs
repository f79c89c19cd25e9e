//! Certificate credential: client assertions that the agent signs with its private key (docs/protocol.md §3.2; PS256).
//!
//! The login service checks whether the certificate is valid and belongs to the registration.

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::client_credential::{ClientCredential, Proof, TokenRequest};
use super::token_error::TokenError;

/// Lifetime of an assertion, in seconds.
const LIFETIME: i64 = 600;

/// Certificate and its RSA private key, both in one PEM document.
#[derive(Debug, Clone)]
pub struct ClientCertificate(
    /// PEM document.
    pub SecretString,
);

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

#[async_trait]
impl ClientCredential for ClientCertificate {
    /// Returns a new assertion, because each is accepted only once.
    async fn prove(&self, request: &TokenRequest<'_>) -> Result<Proof, TokenError> {
        sign(&self.0, request).map(Proof::Assertion)
    }
}

fn sign(pem: &SecretString, request: &TokenRequest<'_>) -> Result<SecretString, TokenError> {
    let unusable = TokenError::UnusableCertificate;
    let blocks = pem::parse_many(pem.expose_secret()).map_err(|_| unusable("it is not PEM"))?;
    // The agent's certificate precedes those of its issuers.
    let certificate = blocks.iter().find(|block| block.tag() == "CERTIFICATE");
    let certificate = certificate.ok_or(unusable("it holds no CERTIFICATE"))?;
    let key = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY"));
    let key = pem::encode(key.ok_or(unusable("it holds no PRIVATE KEY"))?);
    let key = EncodingKey::from_rsa_pem(key.as_bytes())
        .map_err(|_| unusable("its private key is encrypted or not RSA"))?;

    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.contents())));
    let now = request.now.as_second();
    let claims = Claims {
        aud: request.token_url,
        iss: request.client_id.as_str(),
        sub: request.client_id.as_str(),
        jti: request.random.random_id(),
        iat: now,
        nbf: now,
        exp: now.saturating_add(LIFETIME),
    };
    let assertion = jsonwebtoken::encode(&header, &claims, &key);
    assertion.map(SecretString::from).map_err(|_| unusable("its private key cannot sign"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::ClientId;
    use crate::random::Random;

    fn error_text(pem: &str) -> String {
        let client_id = ClientId::new("5d0c9c1e").unwrap();
        let request = TokenRequest {
            client_id: &client_id,
            token_url: "https://login",
            now: jiff::Timestamp::UNIX_EPOCH,
            random: &Random::seeded(1),
        };
        sign(&pem.into(), &request).unwrap_err().to_string()
    }

    #[test]
    fn an_unusable_certificate_is_explained_without_its_content() {
        let block = |tag: &str| format!("-----BEGIN {tag}-----\naHVzaCE=\n-----END {tag}-----\n");
        let both = |key: &str| block("CERTIFICATE") + &block(key);

        for (pem, reason) in [
            ("hush!".to_owned(), "holds no CERTIFICATE"),
            ("-----BEGIN CERTIFICATE-----\nhush!\n-----END CERTIFICATE-----".to_owned(), "is not PEM"),
            (block("PRIVATE KEY"), "holds no CERTIFICATE"),
            (block("CERTIFICATE"), "holds no PRIVATE KEY"),
            (both("ENCRYPTED PRIVATE KEY"), "encrypted or not RSA"),
            (both("EC PRIVATE KEY"), "encrypted or not RSA"),
            (both("PRIVATE KEY"), "encrypted or not RSA"),
        ] {
            let text = error_text(&pem);
            assert!(text.contains(reason) && text.contains("CLIENT_CERTIFICATE_ARN"), "{reason}: {text}");
            assert!(!text.contains("hush") && !text.contains("aHVza"), "{text}");
        }
    }
}
