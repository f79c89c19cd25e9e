//! Errors of the emulator itself.
//! Error responses of the channel are in `refusal`.

/// Why the emulator could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The listener has no address.
    #[error("channel has no address to listen on")]
    Listen(#[source] std::io::Error),
    /// The HTTP client could not be made.
    #[error("channel has no HTTP client")]
    Client(#[source] reqwest::Error),
    /// No signing key could be made.
    #[error("channel could not make a signing key")]
    Key,
    /// A token could not be signed.
    #[error("channel could not sign a token")]
    Unsigned,
    /// `Channel::set_endpoint` was not called yet.
    #[error("channel does not know the agent's endpoint")]
    NoEndpoint,
    /// The agent's endpoint could not be reached, or its answer could not be read.
    #[error("agent did not answer")]
    NotDelivered(#[source] reqwest::Error),
    /// What was kept of an earlier channel cannot be read.
    #[error("kept state of the channel is not usable")]
    Restore(#[source] serde_json::Error),
}
