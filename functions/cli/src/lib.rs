//! The `herald` command: its arguments, `run`, `demo`, `doctor` and the verbs of an operator.
//! The bundle that `run` starts is in the crate `local`.

pub mod args;
pub mod commands;
pub mod demo;
pub mod doctor;
mod printable;
mod process;
pub mod run;

pub use self::process::main;
