//! Why a broadcast is not opened or planned, and what to change.

use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;

/// Why a broadcast is not opened or planned; the event may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The audience could not be listed.
    #[error("could not list the audience")]
    Store(#[from] StoreError),
    /// The deliveries could not be queued.
    #[error("could not queue the deliveries")]
    Queue(#[from] QueueError),
    /// The conversation does not exist or is inactive.
    #[error("`audience.reference` is not an active conversation")]
    NoConversation,
    /// Another broadcast has this key.
    #[error("`key` was used for another broadcast: choose another, or repeat the same event unchanged")]
    KeyTaken,
    /// The broadcast does not exist.
    #[error("broadcast does not exist")]
    NoBroadcast,
}
