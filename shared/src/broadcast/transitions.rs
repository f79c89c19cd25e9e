//! What a broadcast's record becomes: leased by a planner, moved on, paused, resumed, cancelled, ended.
//! They know nothing of where the record is kept.

use std::time::Duration;

use jiff::Timestamp;

use super::{Broadcast, Change, Cursor, Planner, Progress, Status};
use crate::jobs::Failure;

/// How long the planning is a planner's own after each of its writes.
pub const LEASE: Duration = Duration::from_secs(60);

/// So many sends in a row that fail for a reason that would fail them all pause the broadcast.
pub const BREAKER: u32 = 20;

/// After so long without news no delivery waits any more: they expire after a day.
const SILENCE: jiff::SignedDuration = jiff::SignedDuration::from_hours(36);

/// Most changes that are kept of one broadcast: its first and its last ones.
const MAX_HISTORY: usize = 64;

/// What an operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Nobody else is told until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// Nobody else is told ever.
    Cancel,
}

/// What an operator wants cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("broadcast is {status:?}")]
pub struct NotPossible {
    /// As it stands.
    pub status: Status,
}

/// What came of wanting to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives for one write")]
pub enum Lease {
    /// The planning is the claimant's, once this record is written.
    Acquired(Broadcast),
    /// Someone else plans, until then at the latest.
    Held {
        /// When their lease ends.
        until: Timestamp,
    },
    /// There is nothing to plan: everybody is planned, or it is not running.
    Nothing,
}

impl Broadcast {
    /// Decides about an operator's wish.
    ///
    /// # Errors
    ///
    /// [`NotPossible`]: it is as wished already, or over.
    pub fn apply(&self, command: Command, now: Timestamp) -> Result<Self, NotPossible> {
        let status = match (command, self.status) {
            (Command::Pause, Status::Running) => Status::Paused,
            (Command::Resume, Status::Paused) => Status::Running,
            (Command::Cancel, Status::Running | Status::Paused) => Status::Cancelled,
            (_, status) => return Err(NotPossible { status }),
        };
        let resumed = Self { failures: 0, progress: None, blocked_on: None, ..self.clone() };
        Ok(resumed.transition(status, now, Some("by the operator")))
    }

    /// Decides about wanting to plan, for as long as [`LEASE`].
    #[must_use]
    pub fn lease(&self, owner: &str, now: Timestamp) -> Lease {
        if self.status != Status::Running || self.cursor.is_none() {
            return Lease::Nothing;
        }
        match &self.planner {
            Some(planner) if planner.owner != owner && now < planner.until => {
                Lease::Held { until: planner.until }
            }
            _ => Lease::Acquired(Self { planner: Some(planner(owner, now)), ..self.clone() }),
        }
    }

    /// The record after pages were planned by `owner`, up to `cursor`; `None` when someone else plans now.
    #[must_use]
    pub fn checkpoint(&self, owner: &str, step: &Step, now: Timestamp) -> Option<Self> {
        self.planner.as_ref().filter(|planner| planner.owner == owner)?;
        let mut planned = self.planned.clone();
        for (tenant, count) in &step.planned {
            *planned.entry(tenant.clone()).or_default() += count;
        }
        Some(Self {
            cursor: step.cursor.clone(),
            blocked_on: None,
            planner: step.cursor.is_some().then(|| planner(owner, now)),
            unreadable: self.unreadable + step.unreadable,
            planned,
            ..self.clone()
        })
    }

    /// The record when `owner` plans no more for now; `None` when someone else plans.
    #[must_use]
    pub fn released(&self, owner: &str) -> Option<Self> {
        self.planner.as_ref().filter(|planner| planner.owner == owner)?;
        Some(Self { planner: None, ..self.clone() })
    }

    /// The record after a send failed for a reason that would fail them all; the last of many in a row pauses it.
    #[must_use]
    pub fn record_failure(&self, failure: &Failure, now: Timestamp) -> Self {
        let failed = Self { failures: self.failures.saturating_add(1), ..self.clone() };
        if failed.failures < BREAKER || failed.status != Status::Running {
            return failed;
        }
        let reason = format!("{} sends in a row failed: {failure}", failed.failures);
        failed.transition(Status::Paused, now, Some(&reason))
    }

    /// The record after a send got through; `None` when nothing changes.
    #[must_use]
    pub fn record_success(&self) -> Option<Self> {
        (self.failures > 0).then(|| Self { failures: 0, ..self.clone() })
    }

    /// The record when `settled` of the planned have an outcome; `None` when nothing changes.
    ///
    /// A running broadcast of which everybody is planned and has one is done; so is one of which nothing was heard for
    /// longer than a delivery can wait: somebody with two conversations may have been planned twice and told once.
    #[must_use]
    pub fn update_progress(&self, settled: u64, now: Timestamp) -> Option<Self> {
        let is_planned = self.status == Status::Running && self.cursor.is_none();
        if is_planned && settled >= self.recipients() {
            return Some(Self { progress: None, ..self.clone() }.transition(Status::Done, now, None));
        }
        let is_news = self.progress.is_none_or(|progress| progress.settled != settled);
        let since = self.progress.map_or(now, |progress| progress.since);
        if is_planned && !is_news && now.duration_since(since) >= SILENCE {
            let reason = format!("{settled} of {} planned came to an outcome", self.recipients());
            return Some(Self { progress: None, ..self.clone() }.transition(
                Status::Done,
                now,
                Some(&reason),
            ));
        }
        (is_news && !self.status.is_over())
            .then(|| Self { progress: Some(Progress { settled, since: now }), ..self.clone() })
    }

    /// Whether everybody is planned and nothing has moved for so long that the outcomes are worth counting anew:
    /// the counters are written after the outcomes, and a worker may have died between.
    #[must_use]
    pub fn is_stalled(&self, now: Timestamp) -> bool {
        const REST: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

        let since = self.progress.map(|progress| progress.since);
        self.cursor.is_none() && since.is_some_and(|since| now.duration_since(since) >= REST)
    }

    pub(super) fn transition(mut self, status: Status, at: Timestamp, reason: Option<&str>) -> Self {
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(1);
        }
        self.history.push(Change { status, at, reason: reason.map(str::to_owned) });
        Self { status, ..self }
    }
}

/// What a planner did since it last wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Where it goes on; `None` when everybody is planned.
    pub cursor: Option<Cursor>,
    /// Whom it planned, by the hash of their tenant.
    pub planned: std::collections::BTreeMap<String, u64>,
    /// Records among them that could not be read.
    pub unreadable: u64,
}

fn planner(owner: &str, now: Timestamp) -> Planner {
    Planner { owner: owner.to_owned(), until: now.checked_add(LEASE).unwrap_or(Timestamp::MAX) }
}
