//! `proactive`: turns a notification and its audience into deliveries, and the agenda into queued work.
//! It never talks to the connector, and it asks the engine nothing.

mod again;
mod broadcasts;
pub mod config;
mod error;
mod event;
pub mod event_handler;
mod listed;
mod page;
mod plan;
mod preview;
mod rosters;
mod subscribers;
mod tick;

use std::sync::Arc;

use herald::aws::queue::Queue;
use herald::aws::table::{AgendaStore, BroadcastStore, ReferenceStore, SubscriptionStore};
use herald::clock::Clock;
use herald::random::Random;

pub use self::error::PlanError;
pub use self::event::{Firing, InvalidEvent, NotificationEvent, check_event};
pub use self::preview::Preview;
pub use self::tick::Moved;

/// The parts of the function.
pub struct Proactive {
    /// Lists whom to tell.
    pub references: ReferenceStore,
    /// Lists who subscribed to what.
    pub subscriptions: SubscriptionStore,
    /// Keeps how far each broadcast is.
    pub broadcasts: BroadcastStore,
    /// Keeps what is due later.
    pub agenda: AgendaStore,
    /// Takes turns of the agenda.
    pub turns: Queue,
    /// Takes tasks of the agenda.
    pub tasks: Queue,
    /// Takes deliveries.
    pub deliveries: Queue,
    /// Announcements a second to one tenant, of all workers together: how far ahead of them is planned.
    pub tenant_rate: u32,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes owner tokens.
    pub random: Random,
}
