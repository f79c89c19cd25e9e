//! Stories: what the bundle promises, told on real parts, on one machine, without waiting for real time.

#![expect(clippy::unwrap_used, reason = "a story may end where it fails")]

mod answering;
mod architecture;
mod broadcasts;
mod connector;
mod contract;
mod cost;
mod crashes;
mod credentials;
mod crowd;
mod events;
mod footprint;
mod hostile;
mod http;
mod identity;
mod inline;
mod kill;
mod limits;
mod long_work;
mod memory;
mod page;
mod proactive;
mod release;
mod sending;
mod signing_keys;
mod soak;
mod state;
mod statuses;
mod streaming;
mod timers;
mod tokens;
mod wire;
