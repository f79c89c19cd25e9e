//! Stories of the `herald` command: its verbs and its doctor, on the bundle of the other stories.

#![expect(clippy::unwrap_used, reason = "a story may end where it fails")]

mod broadcasts;
mod commands;
mod demo;
mod doctor;
mod long_work;
mod preferences;
mod scheduling;
mod teams;
