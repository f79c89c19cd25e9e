//! The one HTTP client of the bundle's own requests: connector, login and signing keys.
//! It follows no redirect, keeps no cookie, reads no proxy from the environment and inflates nothing.

use std::time::Duration;

/// Longest a request may take, from its first byte to the last of the answer.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A frozen Lambda wakes with dead sockets: none that idled longer is used again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A client with the limits above.
///
/// # Errors
///
/// When the TLS library cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
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
