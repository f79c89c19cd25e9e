//! The AWS services of the bundle on one machine, behind one loopback address for unchanged AWS clients: table, queues,
//! schedules, secrets, identity tokens.
//!
//! It runs no function; it lists the schedules that are due.

mod backlog;
mod creation;
mod error;
mod identity;
mod journal;
mod messages;
mod operations;
mod queues;
mod recorder;
mod schedules;
mod secrets;
mod server;
mod stack;
mod state;
mod table;
pub mod template;
#[cfg(test)]
mod tests;
mod watch;

pub use self::creation::{CreationError, create};
pub use self::error::StackError;
pub use self::identity::IdentityIssuer;
pub use self::queues::Delays;
pub use self::stack::{Stack, StackOptions};
pub use self::watch::{Rewriter, Watcher};
