//! What the stories stand on: the whole bundle on one machine, a clock of their own, an engine they script.
//! It mocks nothing of ours: store, queues, connector and channel are the ones of `herald run`.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what the stories stand on may end them")]

pub mod account;
pub mod broadcasts;
pub mod bundle;
pub mod clerk;
pub mod clock;
pub mod engine;
pub mod function;
pub mod measure;
pub mod neighbour;
pub mod peer;
pub mod runtime_api;
pub mod schedule;
pub mod services;
pub mod teams;

pub use self::account::Account;
pub use self::bundle::TestBundle;
pub use self::clock::TestClock;
pub use self::engine::ScriptedEngine;
pub use self::function::Function;
pub use self::neighbour::Neighbour;
pub use self::peer::{Act, Peer};
pub use self::services::Services;
