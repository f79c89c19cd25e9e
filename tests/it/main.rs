//! Integration tests of the bundle on emulated services, on one machine, with a clock that tests advance.

#![expect(clippy::unwrap_used, reason = "a failed step ends the test")]

mod answering;
mod architecture;
mod batches;
mod broadcasts;
mod channel_errors;
mod connector;
mod contract;
mod cost;
mod crashes;
mod credentials;
mod documented_shapes;
mod engine_errors;
mod events;
mod field_cases;
mod footprint;
mod hostile;
mod http;
mod identity;
mod inline;
mod kill;
mod limits;
mod long_work;
mod memory;
mod outages;
mod page;
mod persons;
mod privacy;
mod proactive;
mod readme;
mod rebinding;
mod release;
mod sending;
mod signals;
mod signing_keys;
mod soak;
mod state;
mod steps;
mod streaming;
mod throughput;
mod timers;
mod tokens;
mod wire;
