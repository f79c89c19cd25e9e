//! HTTP client for the connector, the login service and signing keys.
//!
//! It follows no redirects, stores no cookies, ignores proxy variables and decompresses nothing.

use std::time::Duration;

use super::root_certificates::RootCertificates;

/// Timeouts of a client.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Time to connect.
    pub connect: Duration,
    /// Time from the start of a request to the end of its response.
    pub total: Duration,
    /// Time after which an idle connection is closed.
    pub idle: Duration,
}

/// Default of [`Timeouts::total`].
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            total: TOTAL_TIMEOUT,
            // A frozen function resumes with dead sockets: none that idled longer is reused.
            idle: Duration::from_secs(4),
        }
    }
}

/// Most bytes read of a response body.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Returns a client with the default timeouts.
///
/// # Errors
///
/// When the TLS library cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    client_with_timeouts(Timeouts::default())
}

/// Returns a client with these timeouts.
///
/// # Errors
///
/// As [`client`].
pub fn client_with_timeouts(timeouts: Timeouts) -> Result<reqwest::Client, reqwest::Error> {
    let roots = RootCertificates::of_system().der().map(reqwest::Certificate::from_der);
    reqwest::Client::builder()
        .tls_certs_only(roots.collect::<Result<Vec<_>, _>>()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .pool_idle_timeout(timeouts.idle)
        .user_agent(concat!("herald/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Reads the body of a response, up to 256 KiB.
///
/// # Errors
///
/// When the connection breaks, or the timeout is reached, before the end of the body.
pub async fn read_body(mut answer: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = MAX_BODY_BYTES.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= MAX_BODY_BYTES {
            break;
        }
    }
    Ok(body)
}
