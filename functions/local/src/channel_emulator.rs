//! Emulates Teams on loopback: connector, token endpoint, signing keys, people, and scripted faults.
//! It shares no wire types with the agent and uses plain JSON.
//!
//! The files form layers: values (`refusal`, `fault`, `directory`, …), the `state` made of them, the operations on it
//! (`conversations`, `creation`, `connector`, …), `router` and `server`, and the handle `channel` with what people do.

mod activities;
mod call_result;
mod channel;
mod chats;
mod client;
mod compose;
mod connector;
mod conversation_fields;
mod conversation_operations;
mod copilot;
mod creation;
mod credential_controls;
mod delivery;
mod delivery_log;
mod details;
mod edits;
mod empty_objects;
mod entities;
mod error;
mod exchange_log;
mod exchanges;
mod fault;
mod http_client;
mod key_documents;
mod lock;
mod overview;
mod people;
mod persistent_state;
mod person;
mod quotes;
mod redelivery;
mod refusal;
mod regions;
mod response;
mod router;
mod server;
mod signing_keys;
mod state;
mod stream;
mod streaming;
mod surface;
mod team_events;
#[cfg(test)]
mod tests;
mod token_endpoint;
mod token_issuer;
mod transcript;

pub use self::channel::Channel;
pub use self::client::Client;
pub use self::copilot::CopilotForm;
pub use self::delivery_log::{Answer, Delivery};
pub use self::empty_objects::EmptyObject;
pub use self::error::ChannelError;
pub(crate) use self::exchange_log::Exchange;
pub use self::fault::{Fault, Operation};
pub use self::person::{Person, TeamChannel};
pub use self::redelivery::RedeliveryId;
pub use self::refusal::Refusal;
pub use self::state::ChannelOptions;
pub use self::surface::Surface;
pub use self::token_issuer::FederatedCredential;
pub use self::transcript::{Effect, TranscriptEntry};
