//! Test support: the whole bundle on one machine, a clock that tests advance, and scripted engines. It mocks no code of
//! the bundle: store, queues, connector and channel are those of `herald run`.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed step of the support ends the test")]

pub mod account;
pub mod broadcasts;
pub mod bundle;
pub mod clock;
pub mod engine;
pub mod fixtures;
pub mod function;
pub mod jobs;
pub mod measure;
pub mod raw_server;
pub mod requests;
pub mod runtime_api;
pub mod schedule;
pub mod second_worker;
pub mod services;
pub mod steps_engine;
pub mod task_engine;
pub mod teams;

pub use self::account::Account;
pub use self::bundle::TestBundle;
pub use self::clock::TestClock;
pub use self::engine::ScriptedEngine;
pub use self::function::{Function, Program};
pub use self::raw_server::{ConnectionStep, RawServer};
pub use self::second_worker::SecondWorker;
pub use self::services::Services;
