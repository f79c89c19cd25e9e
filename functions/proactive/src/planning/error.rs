//! Why a broadcast is not opened or planned, and what to change.

use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;

/// Why a broadcast is not opened or planned; the event may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The audience could not be listed.
    #[error("audience could not be listed")]
    Store(#[from] StoreError),
    /// The deliveries could not be queued.
    #[error("deliveries could not be queued")]
    Queue(#[from] QueueError),
    /// The conversation does not exist or is inactive.
    #[error("`audience.reference` names no conversation that can be spoken to")]
    NoConversation,
    /// Another broadcast has this key.
    #[error("`key` was used for another broadcast: choose another, or repeat the same event unchanged")]
    KeyTaken,
    /// The broadcast does not exist.
    #[error("there is no such broadcast")]
    NoBroadcast,
}
