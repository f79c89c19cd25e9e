//! `inbound`: authenticates an activity of the channel, keeps its reference, queues its turn, answers 202.
//! It holds no bot secret, calls no connector and does nothing after its answer.

mod accept;
pub mod config;
pub mod http_handler;
mod inline;

use std::sync::Arc;

use herald::auth::Authenticator;
use herald::clock::Clock;
use herald::cloud::Cloud;
use herald::config::AllowedTenants;
use herald::engine::Engine;
use herald::queue::Queue;
use herald::store::ReferenceStore;

/// The parts of the function.
pub struct Inbound {
    /// Tells the channel's requests from others.
    pub authenticator: Authenticator,
    /// Says which service URLs are the channel's.
    pub cloud: Cloud,
    /// Says whose conversations are let in.
    pub allowed_tenants: AllowedTenants,
    /// Keeps conversation references.
    pub references: ReferenceStore,
    /// Takes turns, in order within a conversation.
    pub turns: Queue,
    /// Takes the task of an `invoke`.
    pub tasks: Queue,
    /// Answers what must be answered at once.
    pub engine: Arc<dyn Engine>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}
