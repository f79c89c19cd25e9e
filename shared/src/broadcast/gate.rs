//! The gate: the last look at a recipient, just before the claim on the delivery.
//! It is the one place where somebody is left out or put off; how a delivery is made is the worker's.

use jiff::Timestamp;

use super::{Outcome, Status};
use crate::broadcast::preferences::Notify;

/// What becomes of a recipient whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// They are told.
    Send,
    /// They are not told, and this is what stands in the report.
    Skip {
        /// What it comes to.
        outcome: Outcome,
        /// Why, in words.
        reason: &'static str,
    },
    /// They are told later, not before then.
    Defer {
        /// When.
        until: Timestamp,
    },
    /// They wait until the broadcast is resumed.
    Park,
}

/// What becomes of a recipient, in a broadcast that stands at `status`, given what they want to be spared.
#[must_use]
pub fn gate(status: Status, notify: Notify) -> Gate {
    match status {
        Status::Running | Status::Done => match notify {
            Notify::Send => Gate::Send,
            Notify::Skip(reason) => Gate::Skip { outcome: Outcome::OptedOut, reason },
            Notify::Defer(until) => Gate::Defer { until },
            Notify::Unknown => {
                Gate::Skip { outcome: Outcome::Failed, reason: "what they want to be spared cannot be read" }
            }
        },
        Status::Paused => Gate::Park,
        Status::Cancelled => {
            Gate::Skip { outcome: Outcome::Cancelled, reason: "the broadcast was cancelled" }
        }
    }
}
