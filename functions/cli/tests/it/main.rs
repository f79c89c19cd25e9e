//! Tests of the `herald` command: its help, its verbs and its doctor, on the bundle of `support`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod broadcasts;
mod commands;
mod demo;
mod doctor;
mod golden;
mod help;
mod long_work;
mod preferences;
mod process;
mod scheduling;
mod signals;
mod teams;
