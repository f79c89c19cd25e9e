//! Requests to the channel: when they may start, how they are recorded, and how a rejected one is recovered.

pub(crate) mod amend;
pub(crate) mod burst;
pub(crate) mod create_conversation;
pub(crate) mod fallback;
mod other_conversation;
pub(crate) mod rate_limit;
pub(crate) mod replace_ack;
pub(crate) mod send;
pub(crate) mod send_plan;
pub(crate) mod target;
pub(crate) mod typing;
