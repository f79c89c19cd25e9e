//! The engine's contract: what an engine author imports, next to [`crate::protocol`].

pub mod calendar;
pub mod effect;
pub mod engine;
pub mod ids;
pub mod invoke;
pub mod memory;
pub mod notification;
pub mod progress;
pub mod reminder;
pub mod task;
pub mod topic;
pub mod turn;
