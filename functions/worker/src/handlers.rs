//! One handler for each kind of queued message, and the self-check.

pub(crate) mod deliveries;
pub(crate) mod effects;
pub(crate) mod keep_alive;
pub(crate) mod reminder;
pub(crate) mod roster;
pub(crate) mod self_check;
pub(crate) mod signal;
pub(crate) mod task;
pub(crate) mod turn;
