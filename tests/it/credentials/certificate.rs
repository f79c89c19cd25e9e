//! A self-signed certificate and its private key, generated per test.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::Pem;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// A certificate and its private key.
pub(super) struct Certificate {
    /// Certificate in DER.
    pub(super) der: Vec<u8>,
    /// Certificate in PEM.
    pub(super) certificate: String,
    /// Private key in PEM.
    pub(super) key: String,
}

impl Certificate {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let parameters = CertificateParams::new(["herald".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let der = certificate.der().to_vec();
        let pem = |tag: &str, der: Vec<u8>| pem::encode(&Pem::new(tag, der));
        let (certificate, key) = (pem("CERTIFICATE", der.clone()), pem("PRIVATE KEY", key.serialize_der()));
        Self { der, certificate, key }
    }

    /// Returns both in one PEM text, as stored in the secret.
    pub(super) fn pem(&self) -> String {
        self.pem_with_key_of(self)
    }

    /// Returns this certificate with the private key of another one.
    pub(super) fn pem_with_key_of(&self, other: &Self) -> String {
        format!("{}{}", self.certificate, other.key)
    }

    /// Returns the SHA-256 thumbprint that assertions name.
    pub(super) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.der))
    }
}
