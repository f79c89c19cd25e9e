//! The error of the bundle on one machine.
//! Errors of the emulators are sources of it.

use std::path::PathBuf;

use herald::error::BoxError;

use crate::aws_emulator::StackError;
use crate::aws_emulator::template::TemplateError;
use crate::channel_emulator::ChannelError;

/// Why the bundle could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The port is in use.
    #[error("could not listen on port {port} of 127.0.0.1: choose another with --port")]
    Port {
        /// The port or path.
        port: u16,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The port of the emulated channel, which stored service URLs contain, is in use.
    #[error(
        "could not listen on port {port} of 127.0.0.1, which stored conversations use: stop the process that uses it, or choose another --state"
    )]
    ChannelPort {
        /// The port or path.
        port: u16,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The template is invalid.
    #[error("template.yaml is invalid")]
    Template(#[from] TemplateError),
    /// The template lacks a queue.
    #[error("template.yaml has no queue `{0}`")]
    NoQueue(&'static str),
    /// The template lacks the event source mapping of a queue.
    #[error("template.yaml has no function for queue `{0}`")]
    NoEventSource(&'static str),
    /// The AWS services could not be started or stopped.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The channel could not be started.
    #[error("could not start the channel emulator")]
    Channel(#[from] ChannelError),
    /// The functions could not be wired.
    #[error("could not build the functions")]
    Wiring(#[source] BoxError),
    /// The state of the channel could not be read or written.
    #[error("could not use state file {}", path.display())]
    State {
        /// The port or path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: BoxError,
    },
}
