//! Broadcasts: one thing told to an audience, resumed wherever it was left (design: speaking first).
//! Pure functions; the store keeps the records, `proactive` plans, the worker sends.

pub mod audience;
pub mod content;
mod gate;
mod outcome;
mod plan;
pub mod preferences;
mod roster_wait;
mod spec;
mod transitions;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::gate::{Gate, gate};
pub use self::outcome::{Entry, Outcome, OutcomeCounts, RecipientRef};
pub use self::plan::{Cursor, Dispatch, PAGE, QUEUE_AHEAD, RECIPIENTS, ShardCounts, dispatch};
pub use self::spec::{InvalidSpec, Kind, Spec};
pub use self::transitions::{BREAKER, Command, LEASE, Lease, NotPossible, Step};
use crate::hash;
use crate::protocol::ids::TenantId;

/// Names a broadcast: the same however often its event arrives.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BroadcastId(String);

impl BroadcastId {
    /// The broadcast of one firing of a schedule.
    #[must_use]
    pub fn of_firing(schedule_arn: &str, scheduled_time: Timestamp) -> Self {
        Self(hash::sha256(&["broadcast", "schedule", schedule_arn, &scheduled_time.to_string()]))
    }

    /// The broadcast that a caller gave this key.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        Self(hash::sha256(&["broadcast", "key", key]))
    }

    /// The broadcast that a person means by `name`: its id, all 64 digits of it, or the key it was given.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { Self(name.to_ascii_lowercase()) } else { Self::of_key(name) }
    }

    /// The id as 64 hexadecimal digits.
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

// A hash already; shortened so that a log line stays readable.
impl fmt::Debug for BroadcastId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BroadcastId({})", self.0.get(..12).unwrap_or(&self.0))
    }
}

/// The hash of a recipient's tenant, by which broadcasts plan and count.
#[must_use]
pub fn tenant_key(tenant: Option<&TenantId>) -> String {
    hash::short(&tenant.map_or("none", TenantId::as_str).to_ascii_lowercase())
}

/// Where a broadcast stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Recipients are planned and told.
    Running,
    /// Nobody is planned or told until it is resumed.
    Paused,
    /// Nobody else will be told.
    Cancelled,
    /// Everybody was told, or it is known why not.
    Done,
}

impl Status {
    /// Whether nothing more will happen to the broadcast.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::Running | Self::Paused => false,
            Self::Cancelled | Self::Done => true,
        }
    }
}

/// The changing part of a broadcast's record; what it says and to whom is its [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// What it is found by.
    pub id: BroadcastId,
    /// Grows by one with every write; a write names the one it is based on.
    pub revision: u64,
    /// Where it stands.
    pub status: Status,
    /// Where planning goes on; `None` once everybody is planned.
    pub cursor: Option<Cursor>,
    /// Who is planning, as long as somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<Planner>,
    /// Recipients planned so far, by the hash of their tenant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub planned: BTreeMap<String, u64>,
    /// Records among the planned that could not be read.
    #[serde(default)]
    pub unreadable: u64,
    /// Whether a worker was asked for the rosters of the audience's teams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// Why nobody can be planned for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_on: Option<String>,
    /// Sends in a row that failed for a reason that would fail them all.
    #[serde(default)]
    pub failures: u32,
    /// How many of the planned had an outcome when that was last looked at, and since when it has not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How it came to stand there: every status with its time and reason, oldest first.
    pub history: Vec<Change>,
}

/// One who is planning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planner {
    /// A token nobody else has.
    pub owner: String,
    /// Until when the planning is theirs.
    pub until: Timestamp,
}

/// How far the deliveries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many have an outcome.
    pub settled: u64,
    /// Since when.
    pub since: Timestamp,
}

/// One status of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub status: Status,
    /// Since when.
    pub at: Timestamp,
    /// Why, where the status does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Broadcast {
    /// The record of a broadcast that begins at `now`.
    #[must_use]
    pub fn new(id: BroadcastId, now: Timestamp) -> Self {
        Self {
            id,
            revision: 0,
            status: Status::Running,
            cursor: Some(Cursor::default()),
            planner: None,
            planned: BTreeMap::new(),
            unreadable: 0,
            asked: false,
            blocked_on: None,
            failures: 0,
            progress: None,
            history: vec![Change { status: Status::Running, at: now, reason: None }],
        }
    }

    /// How many recipients are planned.
    #[must_use]
    pub fn recipients(&self) -> u64 {
        self.planned.values().sum()
    }

    /// When it was opened.
    #[must_use]
    pub fn opened_at(&self) -> Option<Timestamp> {
        self.history.first().map(|change| change.at)
    }

    /// Why it stands where it does.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.history.last()?.reason.as_deref()
    }
}

#[cfg(test)]
mod tests;
