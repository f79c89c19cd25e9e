//! The library that all functions of Herald share: protocol types, the engine contract, jobs, broadcasts and adapters.
//!
//! One crate in tiers. A tier uses those before it and none after it:
//!
//! | tier | contents |
//! |---|---|
//! | [`protocol`] | types for the protocol that Microsoft documents; no I/O |
//! | [`agent`] | the API for engine authors: the engine trait, turns, tasks, calendar, topics |
//! | [`streaming`] | the state machine of a streamed response |
//! | [`jobs`] | idempotency: claims, plans, continuations, timers |
//! | [`broadcast`] | audiences, content, preferences, and the progress of a broadcast |
//! | [`channel`] | the connector client, inbound and outbound tokens |
//! | [`aws`] | the table, the queues, configuration, diagnostics, telemetry |
//!
//! [`clock`], [`random`], [`rate_limit`], [`hash`] and [`error`] are used by all tiers and use none.

pub mod agent;
pub mod aws;
pub mod broadcast;
pub mod channel;
pub mod clock;
pub mod error;
pub mod hash;
pub mod jobs;
pub mod protocol;
pub mod random;
pub mod rate_limit;
pub mod streaming;
