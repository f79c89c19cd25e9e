//! The one HTTP client of the bundle's own requests: connector, login and signing keys.
//! It follows no redirect, keeps no cookie, reads no proxy from the environment and inflates nothing.

use std::time::Duration;

/// How long a client waits.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the first byte of a request to the last of its answer.
    pub total: Duration,
    /// Before an unused connection is given up.
    pub idle: Duration,
}

/// Longest a request may take, from its first byte to the last of the answer.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            total: TOTAL_TIMEOUT,
            // A frozen Lambda wakes with dead sockets: none that idled longer is used again.
            idle: Duration::from_secs(4),
        }
    }
}

/// Most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The client of a function.
///
/// # Errors
///
/// When the TLS library cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    client_within(Timeouts::default())
}

/// A client that waits this long.
///
/// # Errors
///
/// As [`client`].
pub fn client_within(timeouts: Timeouts) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .pool_idle_timeout(timeouts.idle)
        .user_agent(concat!("herald/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The answer's body, up to 256 KiB of it.
///
/// # Errors
///
/// When the connection breaks or the time runs out before the body ends.
pub async fn read_body(mut answer: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = MAX_ANSWER_BYTES.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= MAX_ANSWER_BYTES {
            break;
        }
    }
    Ok(body)
}
