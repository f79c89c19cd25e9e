//! `inbound`: authenticates an activity of the channel, keeps its reference, queues its turn, answers 202.
//! It holds no bot secret, calls no connector and does nothing after its answer.

mod accept;
pub mod config;
pub mod event;
pub mod http_handler;
mod inline;

use std::sync::Arc;

use herald::agent::engine::Engine;
use herald::aws::config::AllowedTenants;
use herald::aws::queue::Queue;
use herald::aws::table::{MemoryStore, ReferenceStore, TimerStore};
use herald::channel::auth::{Authenticator, Checks};
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;

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
    /// Read for an engine that recalls a conversation at once; what changes in it is the worker's.
    pub memories: MemoryStore,
    /// Keeps work that its queue did not take.
    pub timers: TimerStore,
    /// Takes turns, in order within a conversation.
    pub turns: Queue,
    /// Takes the task of an `invoke`.
    pub tasks: Queue,
    /// Answers what must be answered at once.
    pub engine: Arc<dyn Engine>,
    /// What is checked of an activity: everything.
    pub checks: Checks,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Inbound {
    /// Makes signing keys ready while the function starts; the first request waits for what is under way.
    pub fn warm_up(self: &Arc<Self>) {
        let inbound = self.clone();
        tokio::spawn(async move { inbound.authenticator.warm_up().await });
    }
}
