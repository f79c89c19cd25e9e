//! The AWS services of the bundle on one machine, behind one loopback address for unchanged AWS clients: table, queues,
//! schedules, secrets, identity tokens.
//!
//! It runs no function; it lists the schedules that are due.

mod creation;
mod error;
mod held_messages;
mod identity;
mod journal;
mod journal_writer;
mod queues;
mod replay;
mod request_hook;
mod schedules;
mod secrets;
mod send_rewrite;
mod server;
mod stack;
mod state_directory;
mod table;
mod table_operations;
pub mod template;
#[cfg(test)]
mod tests;

pub use self::creation::{CreationError, create};
pub use self::error::StackError;
pub use self::identity::IdentityIssuer;
pub use self::queues::Delays;
pub use self::request_hook::{Rewriter, Watcher};
pub(crate) use self::stack::StackControls;
pub use self::stack::{Stack, StackOptions};
