//! `inbound`: authenticates an activity of the channel, saves its reference, enqueues its turn, answers 202.
//! It has no client secret, calls no connector and does nothing after its response.

pub mod api_gateway;
pub mod config;
pub mod http_handler;
mod receive;
mod rejection;
mod respond;
mod validate;
mod work_queue;

use herald::agent::Engine;
use std::sync::Arc;

use herald::aws::queue::Queue;
use herald::aws::table::{MemoryStore, ReferenceStore, TimerStore};
use herald::channel::auth::Authenticator;
use herald::clock::Clock;

use self::respond::Responder;
pub use self::validate::Validator;
use self::work_queue::WorkQueue;

/// The `inbound` function.
pub struct Inbound {
    /// Authenticates requests of the channel.
    pub authenticator: Authenticator,
    /// Validates authenticated activities.
    pub validator: Validator,
    /// Saves conversation references.
    pub references: ReferenceStore,
    responder: Responder,
    work: WorkQueue,
    clock: Arc<dyn Clock>,
}

/// The dependencies of [`Inbound::new`].
pub struct Parts {
    /// Authenticates requests of the channel.
    pub authenticator: Authenticator,
    /// Validates authenticated activities.
    pub validator: Validator,
    /// The store of conversation references.
    pub references: ReferenceStore,
    /// The store of conversation memories, read for an engine that needs memory to answer inline.
    pub memories: MemoryStore,
    /// The store of timers, for work that its queue did not accept.
    pub timers: TimerStore,
    /// The FIFO queue of turns.
    pub turns: Queue,
    /// The queue of tasks.
    pub tasks: Queue,
    /// The engine, which answers invokes and `expectReplies` inline.
    pub engine: Arc<dyn Engine>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Inbound {
    /// Builds the function from its dependencies.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { authenticator, validator, references, memories, timers, turns, tasks, engine, clock } =
            parts;
        let work = WorkQueue { turns, tasks, timers, clock: clock.clone() };
        let responder = Responder {
            engine,
            references: references.clone(),
            memories,
            work: work.clone(),
            clock: clock.clone(),
        };
        Self { authenticator, validator, references, responder, work, clock }
    }

    /// Loads signing keys while the function starts; the first request waits for a load under way.
    pub fn warm_up(self: &Arc<Self>) {
        let inbound = self.clone();
        tokio::spawn(async move { inbound.authenticator.warm_up().await });
    }
}
