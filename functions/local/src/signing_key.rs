//! An RSA key of one run that an emulated issuer publishes and signs tokens with (RS256).
//! The issuer decides the claims; invalid claims are signed, too.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

/// A private key and its published JSON Web Key.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pair: KeyPair,
    id: String,
    public: Value,
}

impl SigningKey {
    /// Generates a new key.
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let public = pair.public_key().as_ref();
        // Two runs never share an id, so a cached key of an earlier run is not used for this one.
        let id = URL_SAFE_NO_PAD.encode(digest(&SHA256, public));
        let jwk = Jwk::from_decoding_key(&DecodingKey::from_rsa_der(public), Some(Algorithm::RS256));
        let jwk = jwk.ok().and_then(|jwk| serde_json::to_value(jwk).ok()).ok_or(Unspecified)?;
        let public = json!({ "kty": "RSA", "use": "sig", "kid": id, "n": jwk["n"], "e": jwk["e"] });
        Ok(Self { pair, id, public })
    }

    /// Returns the first key of every issuer of this process; shared because generating one takes longer than most tests.
    pub(crate) fn of_process() -> Result<Arc<Self>, Unspecified> {
        static KEY: OnceLock<Result<Arc<SigningKey>, Unspecified>> = OnceLock::new();
        KEY.get_or_init(|| Self::generate().map(Arc::new)).clone()
    }

    /// Returns the key id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the public key as a JSON Web Key.
    pub(crate) fn public(&self) -> &Value {
        &self.public
    }

    /// Returns a token with this header and these claims, signed with RS256 regardless of the header.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> Result<String, Unspecified> {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
