//! Why the local stack does not start or keep its state.
//! What a client did wrong is not here: it gets the service's own answer.

use std::io;
use std::path::PathBuf;

use dynoxide::DynoxideError;

/// Why the local stack does not start or keep its state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// Another process has the directory.
    #[error("another herald is running on {}: stop it, or choose another state directory", .0.display())]
    InUse(PathBuf),
    /// The directory or a file in it cannot be made, read or written.
    #[error("cannot use {}: check that it is a writable directory", .path.display())]
    State {
        /// What could not be used.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The file of queued messages is damaged.
    #[error("line {line} of {} is not readable: remove the file to start with empty queues", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file of schedules is damaged.
    #[error("{} is not readable: correct it, or remove the file and make its schedules again: {reason}", .path.display())]
    Schedules {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of queued messages names a queue that is gone.
    #[error("{} holds messages for `{queue}`, which the template no longer has: put it back, or remove the file", .path.display())]
    NoSuchQueue {
        /// The file.
        path: PathBuf,
        /// Name of the queue.
        queue: String,
    },
    /// The table on file has other keys or indexes than the template.
    #[error("the table in {} has other keys or indexes than the template: remove the file to start with an empty table", .0.display())]
    OtherTable(PathBuf),
    /// The table's engine failed.
    #[error("the local table does not work")]
    Table(#[source] DynoxideError),
    /// The queues' engine refused a request of the stack itself.
    #[error("the local queues refused {operation}: {answer}")]
    Queue {
        /// The SQS operation.
        operation: &'static str,
        /// Their error.
        answer: String,
    },
    /// No loopback port, or it was lost.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The part that passes requests on could not be built.
    #[error("cannot reach the local table")]
    Client(#[source] reqwest::Error),
}
