//! The error of the emulated stack.
//! Invalid requests of clients are error responses of the services instead.

use std::io;
use std::path::PathBuf;

use dynoxide::DynoxideError;

/// Why the emulated stack cannot start or save its state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// Another process uses the directory.
    #[error("another herald process uses {}: stop it, or choose another state directory", .0.display())]
    InUse(PathBuf),
    /// The directory or a file in it cannot be created, read or written.
    #[error("could not use {}: check that it is a writable directory", .path.display())]
    State {
        /// The path of the directory or file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The journal of the queues is corrupt.
    #[error("line {line} of {} is corrupt: remove the file to start with empty queues", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
        /// The problem.
        #[source]
        source: serde_json::Error,
    },
    /// The file of schedules is corrupt.
    #[error("{} is corrupt: correct it, or remove the file and add its schedules again: {reason}", .path.display())]
    Schedules {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// The journal names a queue that the template does not have.
    #[error("{} has messages for `{queue}`, which the template does not have: restore it, or remove the file", .path.display())]
    NoSuchQueue {
        /// The file.
        path: PathBuf,
        /// The name of the queue.
        queue: String,
    },
    /// The table on file has different keys or indexes than the template.
    #[error("the table in {} has different keys or indexes than the template: remove the file to start with an empty table", .0.display())]
    OtherTable(PathBuf),
    /// The engine of the table failed.
    #[error("the local table failed")]
    Table(#[source] DynoxideError),
    /// The engine of the queues rejected a request of the stack itself.
    #[error("the local queues rejected {operation}: {answer}")]
    Queue {
        /// The SQS operation.
        operation: &'static str,
        /// The error of the engine.
        answer: String,
    },
    /// No loopback port could be opened, or it was closed.
    #[error("could not listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The dispatcher of the requests could not be built.
    #[error("could not reach the local table")]
    Client(#[source] reqwest::Error),
}
