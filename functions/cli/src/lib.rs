//! The `herald` command: the whole bundle on one machine, its channel emulator, and the demo.
//! No Lambda function needs any of it.

pub mod args;
pub mod bundle;
pub mod channel;
pub mod demo;
pub mod doctor;
pub mod gateway;
pub mod local;
pub mod operator;
pub mod pump;
pub mod run;
mod signing_key;
pub mod stack;
pub mod template;
pub mod wire;
