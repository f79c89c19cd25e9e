//! Broadcasts: pure state transitions of one message to an audience, which can be paused and resumed.
//! The store keeps the records, `proactive` plans, the worker sends.

mod amendment;
pub mod audience;
pub mod content;
mod gate;
mod outcome;
mod plan;
pub mod preferences;
mod roster_wait;
mod spec;
mod transitions;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::amendment::Amendment;
pub use self::gate::{Gate, gate};
pub use self::outcome::{Outcome, OutcomeCounts, RecipientRef, ReportEntry};
pub use self::plan::{
    Cursor, Dispatch, PAGE_SIZE, PartShards, QUEUE_AHEAD, RECIPIENTS_PER_MESSAGE, dispatch,
};
pub use self::spec::{InvalidSpec, Kind, Spec};
pub use self::transitions::{
    BREAKER_THRESHOLD, Command, InvalidTransition, LEASE_DURATION, Lease, PlannedPages,
};
use crate::hash;
use crate::protocol::ids::TenantId;

/// Identifies a broadcast; derived from its origin, so that a repeated event has the same id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BroadcastId(String);

impl BroadcastId {
    /// Returns the id of the broadcast for one run of a schedule.
    #[must_use]
    pub fn of_firing(schedule_arn: &str, scheduled_time: Timestamp) -> Self {
        Self(hash::sha256(&["broadcast", "schedule", schedule_arn, &scheduled_time.to_string()]))
    }

    /// Returns the id of the broadcast with the caller's `key`.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        Self(hash::sha256(&["broadcast", "key", key]))
    }

    /// Returns the id for `name`, which is an id of 64 hexadecimal digits or a key.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { Self(name.to_ascii_lowercase()) } else { Self::of_key(name) }
    }

    /// Returns the id as 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BroadcastId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// The id is a hash already; the short form keeps a log line readable.
impl fmt::Debug for BroadcastId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BroadcastId({})", self.0.get(..12).unwrap_or(&self.0))
    }
}

/// Returns the hash of a recipient's tenant, by which broadcasts plan and count.
#[must_use]
pub fn tenant_key(tenant: Option<&TenantId>) -> String {
    hash::short(&tenant.map_or("none", TenantId::as_str).to_ascii_lowercase())
}

/// Status of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Recipients are planned and deliveries sent.
    Running,
    /// Planning and sending wait until the broadcast is resumed.
    Paused,
    /// No further delivery is sent.
    Cancelled,
    /// Every recipient has an outcome.
    Done,
}

impl Status {
    /// Whether the status is final.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::Running | Self::Paused => false,
            Self::Cancelled | Self::Done => true,
        }
    }
}

/// Progress of a broadcast; its immutable part is the [`Spec`].
///
/// # Examples
///
/// ```
/// use herald::broadcast::{Broadcast, BroadcastId, Command, Lease, Status};
/// use jiff::Timestamp;
///
/// let now: Timestamp = "2026-11-23T09:00:00Z".parse()?;
/// let broadcast = Broadcast::new(BroadcastId::of_key("news-1"), now);
///
/// let paused = broadcast.apply(Command::Pause, now)?;
/// assert_eq!(paused.status, Status::Paused);
/// assert_eq!(paused.lease("planner", now), Lease::NothingToPlan);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// Key of the record.
    pub id: BroadcastId,
    /// Version number for optimistic locking; incremented by every write.
    pub revision: u64,
    /// Current status.
    pub status: Status,
    /// Next page to plan; `None` once all recipients are planned.
    pub cursor: Option<Cursor>,
    /// Holder of the planning lease, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<Planner>,
    /// Number of planned recipients. Those of each tenant are counted in items of their own, because there is no limit to
    /// the number of tenants.
    #[serde(default)]
    pub planned: u64,
    /// Number of planned recipients whose record could not be read.
    #[serde(default)]
    pub unreadable: u64,
    /// Whether a worker was requested to read the rosters of the audience's teams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub roster_requested: bool,
    /// Reason why planning cannot continue for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_on: Option<String>,
    /// Number of consecutive sends with a systemic failure.
    #[serde(default)]
    pub failures: u32,
    /// Number of outcomes at the last check, and the time since which it is unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Statuses so far with time and reason, oldest first.
    pub history: Vec<StatusChange>,
}

/// Holder of the planning lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planner {
    /// Token of the lease; unique.
    pub owner: String,
    /// End of the lease.
    pub until: Timestamp,
}

/// Progress of the deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Number of deliveries with a final outcome.
    pub settled: u64,
    /// Time of the last change.
    pub since: Timestamp,
    /// Recount of the report's entries while nothing changes.
    #[serde(default)]
    pub recount: Recount,
}

/// Recount of the outcomes from the entries of the report, slice by slice; done once for each stall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recount {
    /// Slices counted so far.
    pub slices: u16,
    /// Number of final outcomes in them.
    pub settled: u64,
}

/// One entry in the history of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// Status.
    pub status: Status,
    /// Start of the status.
    pub at: Timestamp,
    /// Reason, unless the status explains itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Broadcast {
    /// Returns the record of a broadcast that starts at `now`.
    #[must_use]
    pub fn new(id: BroadcastId, now: Timestamp) -> Self {
        Self {
            id,
            revision: 0,
            status: Status::Running,
            cursor: Some(Cursor::default()),
            planner: None,
            planned: 0,
            unreadable: 0,
            roster_requested: false,
            blocked_on: None,
            failures: 0,
            progress: None,
            history: vec![StatusChange { status: Status::Running, at: now, reason: None }],
        }
    }

    /// Returns the number of planned recipients.
    #[must_use]
    pub fn recipients(&self) -> u64 {
        self.planned
    }

    /// Returns the start time.
    #[must_use]
    pub fn opened_at(&self) -> Option<Timestamp> {
        self.history.first().map(|change| change.at)
    }

    /// Returns the reason for the current status.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.history.last()?.reason.as_deref()
    }
}

#[cfg(test)]
mod tests;
