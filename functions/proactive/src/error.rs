//! Why a broadcast was not opened or planned, in words that say what to change.
//! What is wrong with an event is `event`'s.

use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;

/// Why a broadcast was not opened or planned; the event may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The audience could not be listed.
    #[error("audience could not be listed")]
    Store(#[from] StoreError),
    /// The deliveries could not be queued.
    #[error("deliveries could not be queued")]
    Queue(#[from] QueueError),
    /// There is no such conversation, or it is over.
    #[error("`audience.reference` names no conversation that can be spoken to")]
    NoConversation,
    /// Another broadcast has this key.
    #[error("`key` was used for another broadcast: choose another, or repeat the same event unchanged")]
    KeyTaken,
    /// There is no such broadcast.
    #[error("there is no such broadcast")]
    NoBroadcast,
}
