//! The HTTP client of the channel, created for its first request.

use std::sync::OnceLock;
use std::time::Duration;

use super::error::ChannelError;

/// Time limit for a response of the agent (docs/protocol.md §8.2).
const PATIENCE: Duration = Duration::from_secs(15);

/// The client that delivers activities and fetches keys, created on first use.
#[derive(Debug, Default)]
pub(super) struct HttpClient(OnceLock<reqwest::Client>);

impl HttpClient {
    /// Returns the client.
    pub(super) fn get(&self) -> Result<&reqwest::Client, ChannelError> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(ChannelError::Client)?;
        Ok(self.0.get_or_init(|| client))
    }
}
