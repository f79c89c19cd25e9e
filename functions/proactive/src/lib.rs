//! `proactive`: turns an occasion and its audience into deliveries, and the agenda into queued work.
//! It never talks to the connector, and it asks the engine nothing.

pub mod config;
mod event;
pub mod event_handler;
mod plan;
mod tick;

use std::sync::Arc;

use herald::clock::Clock;
use herald::queue::Queue;
use herald::store::{AgendaStore, ReferenceStore};

pub use self::event::{InvalidEvent, OccasionEvent, check_event};
pub use self::plan::{PlanError, Planned};
pub use self::tick::Moved;

/// The parts of the function.
pub struct Proactive {
    /// Lists whom to tell.
    pub references: ReferenceStore,
    /// Keeps what is due later.
    pub agenda: AgendaStore,
    /// Takes turns of the agenda.
    pub turns: Queue,
    /// Takes tasks of the agenda.
    pub tasks: Queue,
    /// Takes deliveries.
    pub deliveries: Queue,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}
