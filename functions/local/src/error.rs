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
    #[error("port {port} on 127.0.0.1 cannot be listened on: choose another with --port")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The port of the emulated channel, which stored service URLs contain, is in use.
    #[error(
        "port {port} on 127.0.0.1, where the kept conversations are, cannot be listened on: end what uses it, or choose another --state"
    )]
    ChannelPort {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The template is invalid.
    #[error("template.yaml cannot be used")]
    Template(#[from] TemplateError),
    /// The template lacks a queue.
    #[error("template.yaml has no queue `{0}`")]
    NoQueue(&'static str),
    /// The AWS services could not be started or stopped.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The channel could not be started.
    #[error("channel emulator could not be started")]
    Channel(#[from] ChannelError),
    /// The functions could not be wired.
    #[error("functions could not be wired")]
    Wiring(#[source] BoxError),
    /// The state of the channel could not be read or written.
    #[error("state file {} cannot be used", path.display())]
    State {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: BoxError,
    },
}
