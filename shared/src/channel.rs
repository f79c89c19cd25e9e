//! Services of the channel: the connector client, inbound and outbound authentication, and their HTTP client.

pub mod auth;
pub mod connector;
pub mod http;
mod retry_after;
pub mod root_certificates;
