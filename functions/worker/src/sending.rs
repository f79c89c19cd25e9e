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

use std::time::Duration;

/// Longest wait of a send for its slot; for a longer one its message is retried.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Longest wait where other work waits behind the send: the next turns of its conversation, or other tenants.
pub(crate) const MAX_WAIT_FIFO: Duration = Duration::from_secs(2);
