//! Types for the channel protocol that Microsoft documents. Performs no I/O.

pub mod activity;
pub mod channel_error;
pub mod cloud;
pub mod conversation;
pub mod ids;
pub mod message_split;
pub mod roster;
pub mod service_url;
pub mod team;
pub mod text;
