//! The `herald` command: its arguments, the run on one machine, the demo, the doctor and the verbs of an operator.
//! The bundle that `run` starts is the crate `local`.

pub mod args;
pub mod commands;
pub mod demo;
pub mod doctor;
mod printable;
pub mod run;
