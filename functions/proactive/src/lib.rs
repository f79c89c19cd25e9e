//! `proactive`: turns an occasion and its audience into deliveries, one message for ten recipients.
//! It never talks to the connector, and it asks the engine nothing.

pub mod config;
mod event;
pub mod event_handler;
mod plan;

use herald::queue::Queue;
use herald::store::ReferenceStore;

pub use self::event::{InvalidOccasion, OccasionEvent};
pub use self::plan::{PlanError, Planned};

/// The parts of the function.
pub struct Proactive {
    /// Lists whom to tell.
    pub references: ReferenceStore,
    /// Takes the deliveries.
    pub deliveries: Queue,
}
