//! Signs for Microsoft's Agents Playground, which sends activities without a token.
//! `inbound` demands one all the same: the signing happens here, on one machine, with keys made for this run.

use serde_json::Value;

use crate::channel_emulator::{Channel, ChannelError};

/// Gives a request of the Playground the token it lacks.
#[derive(Debug, Clone)]
pub struct Playground {
    channel: Channel,
}

impl Playground {
    /// Signs with the keys of `channel`, which `inbound` trusts.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self { channel }
    }

    /// The `Authorization` header for an activity, which names the activity's own service URL.
    ///
    /// # Errors
    ///
    /// When the token cannot be signed.
    pub fn authorization(&self, body: &[u8]) -> Result<String, ChannelError> {
        let activity: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut claims = self.channel.token_claims();
        claims["serviceurl"] = activity["serviceUrl"].clone();
        Ok(format!("Bearer {}", self.channel.sign_claims(&claims)?))
    }
}
