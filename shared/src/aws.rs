//! Adapters of AWS services: table, queues and identity, with configuration, diagnostics and telemetry.

pub mod clients;
pub mod config;
pub mod diagnostics;
pub mod failure;
pub mod identity;
pub mod queue;
pub mod table;
pub mod telemetry;
