//! `worker`: takes queued work, asks the engine, sends what it decided, and records what came of it.
//! What may be sent when is the shared ledger's; how a request is made, the connector's.

mod broadcast;
pub mod config;
mod effects;
pub mod event_handler;
mod handlers;
mod job;
mod memory;
mod retry;
mod sending;
mod streaming;

use std::sync::Arc;

use herald::agent::engine::Engine;
use herald::aws::identity::Credential;
use herald::aws::queue::{BodyError, MAX_DELAY, Queue, Work};
use herald::aws::table::{
    AgendaStore, BroadcastStore, JobStore, MemoryStore, PreferenceStore, RateStore, ReferenceStore,
    StreamStore, SubscriptionStore,
};
use herald::channel::connector::Connector;
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::timers::{Destination, Item};
use herald::random::Random;
use jiff::Timestamp;
use tracing::error;

pub use self::retry::Later;

/// The parts of the function.
pub struct Worker {
    /// Decides what to say.
    pub engine: Arc<dyn Engine>,
    /// Says it.
    pub connector: Connector,
    /// How the agent authenticates to Entra, for the self-check.
    pub credential: Credential,
    /// Keeps claims and plans.
    pub jobs: JobStore,
    /// Keeps broadcasts and their reports.
    pub broadcasts: BroadcastStore,
    /// Keeps what the engine wants to know again.
    pub memories: MemoryStore,
    /// Keeps what people want to be spared.
    pub preferences: PreferenceStore,
    /// Keeps who subscribed to what.
    pub subscriptions: SubscriptionStore,
    /// Keeps which streams are open.
    pub streams: StreamStore,
    /// Keeps work that waits longer than a queue can hold it back.
    pub agenda: AgendaStore,
    /// Shares how fast the channel may be spoken to.
    pub rates: RateStore,
    /// Announcements a second to one tenant, of all workers together.
    pub tenant_rate: u32,
    /// Keeps conversation references.
    pub references: ReferenceStore,
    /// The queue of turns, as far as the function reads it.
    pub turns: Queue,
    /// The queue of tasks, which the function reads and fills.
    pub tasks: Queue,
    /// The queue of deliveries, as far as the function reads it.
    pub deliveries: Queue,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes owner tokens and jitter.
    pub random: Random,
}

/// Why work is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It is to come back.
    Later(Later),
    /// It is not work of this bundle, and will never be.
    Unreadable,
}

impl From<Later> for Unsettled {
    fn from(later: Later) -> Self {
        Self::Later(later)
    }
}

/// Where work is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// Whether other work waits behind it.
    pub in_order: bool,
    /// Whether it came back, so that its jobs may have records.
    pub came_back: bool,
    /// When nothing new may be begun any more, for the function is about to end.
    pub stop_at: Option<Timestamp>,
}

impl Worker {
    /// Does the work in the `body` of a message; `Ok` when it is settled and the message may go.
    ///
    /// # Errors
    ///
    /// [`Unsettled`]: it is to come back, or will never be read.
    pub async fn work(&self, body: &str, place: Place) -> Result<(), Unsettled> {
        match Work::decode(body) {
            // On the heap: the work in all its states is large, and so is what it awaits.
            Ok(Work::Turn(work)) => {
                let done = Box::pin(self.turn(work, place)).await;
                Ok(self.put_down(done, Destination::Tasks, body).await?)
            }
            Ok(Work::Task(work)) => {
                let done = Box::pin(self.task(work)).await;
                Ok(self.put_down(done, Destination::Tasks, body).await?)
            }
            Ok(Work::Effects(work)) => {
                let done = Box::pin(self.effects(work)).await;
                Ok(self.put_down(done, Destination::Tasks, body).await?)
            }
            Ok(Work::Reminder(work)) => {
                let done = Box::pin(self.reminder(work)).await;
                Ok(self.put_down(done, Destination::Tasks, body).await?)
            }
            Ok(Work::Deliveries(work)) => {
                let done = Box::pin(self.deliveries(work, place)).await;
                Ok(self.put_down(done, Destination::Deliveries, body).await?)
            }
            Ok(Work::Roster(work)) => {
                let done = Box::pin(self.roster(work, place)).await;
                Ok(self.put_down(done, Destination::Deliveries, body).await?)
            }
            Err(error @ BodyError::Newer { .. }) => {
                error!(error = %error_chain(&error), "left work to a newer worker");
                Err(Later::FRESH.into())
            }
            Err(error) => {
                error!("left a message to the dead-letter queue: {error}");
                Err(Unsettled::Unreadable)
            }
        }
    }

    /// Puts work that is not `done` and has to wait long on the agenda, and lets go of its message: every time
    /// a message comes back counts towards its end in the dead-letter queue.
    async fn put_down(&self, done: Result<(), Later>, queue: Destination, body: &str) -> Result<(), Later> {
        let Err(later) = done else { return Ok(()) };
        let now = self.clock.now();
        let Some(due) = now.checked_add(later.wait).ok().filter(|_| later.wait > MAX_DELAY) else {
            return Err(later);
        };
        let item = Item::new(queue, body.to_owned(), due);
        self.agenda.put(&item, now).await.map_err(|error| {
            error!(error = %error_chain(&error), "could not put work on the agenda: it waits in its queue");
            later
        })
    }
}
