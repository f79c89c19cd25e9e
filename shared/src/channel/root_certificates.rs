//! Root certificates of the system, read once for all HTTP clients of the process.

use std::path::Path;
use std::sync::LazyLock;

use pem::Pem;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use tracing::warn;

/// Root certificates that every HTTP client of the process trusts.
///
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace those of the system.
#[derive(Debug)]
pub struct RootCertificates(Vec<Vec<u8>>);

static OF_SYSTEM: LazyLock<RootCertificates> = LazyLock::new(RootCertificates::read);

impl RootCertificates {
    /// Returns the root certificates of the system, which are read with the first call.
    #[must_use]
    pub fn of_system() -> &'static Self {
        &OF_SYSTEM
    }

    fn read() -> Self {
        let CertificateResult { certs, errors, .. } = bundle().unwrap_or_else(load_native_certs);
        if let Some(error) = errors.first() {
            warn!(error = %error, errors = errors.len(), "could not read every root certificate");
        }
        // A client refuses all of them where it cannot read one.
        let is_readable = |certificate: &&_| webpki::anchor_from_trusted_cert(certificate).is_ok();
        Self(certs.iter().filter(is_readable).map(|certificate| certificate.to_vec()).collect())
    }

    /// Returns the DER encoding of each certificate.
    pub fn der(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Returns all certificates as one PEM text.
    #[must_use]
    pub fn pem(&self) -> String {
        let certificates = self.0.iter().map(|der| Pem::new("CERTIFICATE", der.as_slice()));
        pem::encode_many(&certificates.collect::<Vec<_>>())
    }
}

/// Returns the certificates of the bundle that Linux distributions keep: their directory has each of them again in a file
/// of its own.
fn bundle() -> Option<CertificateResult> {
    const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
    let is_replaced = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    if is_replaced {
        return None;
    }
    let path = BUNDLES.iter().map(Path::new).find(|path| path.exists())?;
    Some(load_certs_from_paths(Some(path), None)).filter(|read| !read.certs.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_the_same_in_both_encodings() {
        // Not those of the machine, which may have few or none.
        let roots = RootCertificates(vec![vec![48, 3, 2, 1, 5], vec![48, 130, 1, 0]]);
        let read = pem::parse_many(roots.pem()).unwrap();

        assert_eq!(read.len(), 2);
        assert!(read.iter().map(Pem::contents).eq(roots.der()));
    }
}
