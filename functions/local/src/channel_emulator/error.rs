//! The error of the channel emulator itself.
//! Error responses of the channel are in `refusal`.

/// Why an operation of the channel emulator failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The listener has no address.
    #[error("channel listener has no address")]
    Listen(#[source] std::io::Error),
    /// The HTTP client could not be created.
    #[error("channel has no HTTP client")]
    Client(#[source] reqwest::Error),
    /// No signing key could be generated.
    #[error("channel could not generate a signing key")]
    Key,
    /// A token could not be signed.
    #[error("channel could not sign a token")]
    Unsigned,
    /// `Channel::set_endpoint` was not called yet.
    #[error("channel has no endpoint of the agent")]
    NoEndpoint,
    /// The endpoint of the agent could not be reached, or its response could not be read.
    #[error("agent did not respond")]
    NotDelivered(#[source] reqwest::Error),
    /// The log has no such delivery.
    #[error("channel has no such delivery to repeat")]
    NoDelivery,
    /// The snapshot of an earlier channel is invalid.
    #[error("saved state of the channel is invalid")]
    Restore(#[source] serde_json::Error),
}
