//! The channel's services: the connector client, and the tokens of both directions.

pub mod auth;
pub mod connector;
pub mod http;
