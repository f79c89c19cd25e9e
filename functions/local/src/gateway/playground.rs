//! Signs requests of the Microsoft 365 Agents Playground, which sends activities without a token.
//! `inbound` always requires a token; this module signs on one machine, with keys of this run.

use serde_json::Value;

use crate::channel_emulator::{Channel, ChannelError};

/// Adds a token to requests of the Agents Playground.
#[derive(Debug, Clone)]
pub struct Playground {
    channel: Channel,
}

impl Playground {
    /// Returns a signer with the keys of `channel`, which `inbound` trusts.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self { channel }
    }

    /// Returns the `Authorization` header for an activity; its token names the service URL of the activity.
    ///
    /// # Errors
    ///
    /// The token cannot be signed.
    pub fn authorization(&self, body: &[u8]) -> Result<String, ChannelError> {
        let activity: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut claims = self.channel.token_claims();
        claims["serviceurl"] = activity["serviceUrl"].clone();
        Ok(format!("Bearer {}", self.channel.sign_claims(&claims)?))
    }
}
