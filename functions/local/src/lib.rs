//! The bundle on one machine: the functions in one process, with emulators of AWS, of the channel and of the triggers.
//! No Lambda function depends on it.

pub mod adjustable_clock;
pub mod aws_emulator;
pub mod channel_emulator;
mod controls;
mod emulated_channel;
mod error;
pub mod fault_injection;
pub mod functions;
pub mod gateway;
mod local;
mod own_origin;
pub mod poller;
pub mod scheduler;
mod signing_key;
mod state_file;
mod workers;

pub use self::emulated_channel::{EMULATED_CLIENT_ID, EMULATED_TENANT};
pub use self::error::LocalError;
pub use self::local::{ChannelSource, Local, LocalOptions, TEMPLATE};
