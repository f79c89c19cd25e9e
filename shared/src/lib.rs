//! Answer now, work later, speak first: what the functions of Herald share.
//!
//! Vocabulary: [`activity`], [`conversation`], [`turn`], [`task`], [`progress`], [`memory`], [`reminder`], [`effect`], [`invoke`],
//! [`occasion`], [`audience`], [`roster`], [`topic`], [`content`], and the [`engine`] that decides. Adapters:
//! [`connector`] and [`auth`] to the channel, [`store`] on DynamoDB, [`queue`] on SQS. Decisions, as pure functions: [`ledger`], [`agenda`], [`limiter`],
//! [`broadcast`], [`calendar`], [`courtesy`]. What holds of a deployment: [`checkup`]. Values
//! that come in: [`clock`], [`chance`], [`config`].

pub mod activity;
pub mod agenda;
pub mod audience;
pub mod auth;
pub mod broadcast;
pub mod calendar;
pub mod chance;
pub mod checkup;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod connector;
pub mod content;
pub mod conversation;
pub mod courtesy;
pub mod digest;
pub mod effect;
pub mod engine;
pub mod http;
pub mod ids;
pub mod invoke;
pub mod ledger;
pub mod limiter;
pub mod memory;
pub mod occasion;
pub mod progress;
pub mod queue;
pub mod reminder;
pub mod roster;
pub mod service_url;
pub mod store;
pub mod stream;
pub mod task;
pub mod telemetry;
pub mod topic;
pub mod turn;

/// Any error, as the cause of another.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
