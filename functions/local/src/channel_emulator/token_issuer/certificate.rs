//! Verifies assertions that are signed by certificates of the registration (docs/protocol.md §3.2).
//! The lifetime and the chain of a registered certificate are not checked.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use webpki::EndEntityCert;
use webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY;

use super::super::lock::lock;
use super::assertion::Assertion;
use super::token_error::TokenError;

/// The registered certificates by thumbprint, and the ids of used assertions.
#[derive(Debug, Default)]
pub(in crate::channel_emulator) struct Certificates {
    registered: Mutex<HashMap<String, Vec<u8>>>,
    used: Mutex<HashSet<String>>,
}

fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, der))
}

impl Certificates {
    /// Adds a certificate, in DER, to the registration.
    pub(in crate::channel_emulator) fn add(&self, der: &[u8]) {
        lock(&self.registered).insert(thumbprint(der), der.to_owned());
    }

    /// Removes a certificate from the registration.
    pub(in crate::channel_emulator) fn remove(&self, der: &[u8]) {
        lock(&self.registered).remove(&thumbprint(der));
    }

    /// Whether `assertion` is signed by a registered certificate for this token endpoint, and used for the first time.
    pub(in crate::channel_emulator) fn check(
        &self,
        client_id: &str,
        now: Timestamp,
        assertion: &Assertion<'_>,
        token_url: &str,
    ) -> Result<(), TokenError> {
        if assertion.header("alg") != "PS256" || !self.signed(assertion) {
            return Err(Assertion::badly_signed());
        }
        let is_own = |claim| assertion.claim(claim).eq_ignore_ascii_case(client_id);
        if !is_own("iss") || !is_own("sub") {
            return Err(TokenError::client(
                700_021,
                "Client assertion application identifier doesn't match.",
            ));
        }
        if assertion.claim("aud") != token_url {
            return Err(TokenError::client(
                700_023,
                "Client assertion audience claim does not match Realm issuer.",
            ));
        }
        assertion.check_time(now)?;
        let id = assertion.claim("jti");
        if id.is_empty() || !lock(&self.used).insert(id.to_owned()) {
            return Err(TokenError::client(700_027, "Client assertion has no id of its own."));
        }
        Ok(())
    }

    fn signed(&self, assertion: &Assertion<'_>) -> bool {
        let registered = lock(&self.registered);
        let Some(der) = registered.get(assertion.header("x5t#S256")) else { return false };
        let der = der.as_slice().into();
        EndEntityCert::try_from(&der).is_ok_and(|certificate| {
            let (message, signature) = (assertion.message.as_bytes(), &assertion.signature);
            certificate.verify_signature(RSA_PSS_2048_8192_SHA256_LEGACY_KEY, message, signature).is_ok()
        })
    }
}
