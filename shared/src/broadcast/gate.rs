//! The gate: the last decision about a recipient, just before the delivery is claimed.
//! Only this skips or defers a recipient; the worker sends.

use jiff::Timestamp;

use super::{Outcome, Status};
use crate::broadcast::preferences::Notify;

/// Decision about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Send the delivery.
    Send,
    /// Do not send, and report this outcome.
    Skip {
        /// Outcome.
        outcome: Outcome,
        /// Reason as text for an operator.
        reason: &'static str,
    },
    /// Send later.
    Defer {
        /// Earliest time.
        until: Timestamp,
    },
    /// Park the delivery until the broadcast is resumed.
    Park,
}

/// Returns the decision about a recipient, given the status of the broadcast and the recipient's preferences.
#[must_use]
pub fn gate(status: Status, notify: Notify) -> Gate {
    match status {
        Status::Running | Status::Done => match notify {
            Notify::Send => Gate::Send,
            Notify::Skip(reason) => Gate::Skip { outcome: Outcome::OptedOut, reason },
            Notify::Defer(until) => Gate::Defer { until },
            Notify::Unknown => {
                Gate::Skip { outcome: Outcome::Failed, reason: "could not read the notification preferences" }
            }
        },
        Status::Paused => Gate::Park,
        Status::Cancelled => {
            Gate::Skip { outcome: Outcome::Cancelled, reason: "the broadcast was cancelled" }
        }
    }
}
