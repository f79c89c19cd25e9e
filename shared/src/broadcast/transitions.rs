//! State transitions of a broadcast: planning lease, checkpoint, circuit breaker, commands of the operator, completion.
//! Does not store the record.

use std::time::Duration;

use jiff::Timestamp;

use super::{Broadcast, Cursor, Planner, Progress, Recount, Status, StatusChange};
use crate::jobs::Failure;

/// Duration of the planning lease, renewed by each write of the planner.
pub const LEASE_DURATION: Duration = Duration::from_secs(60);

/// Number of consecutive systemic failures that pause a broadcast.
pub const BREAKER_THRESHOLD: u32 = 20;

/// Time without a new outcome after which no delivery can be waiting, because deliveries expire after a day.
const COMPLETION_TIMEOUT: jiff::SignedDuration = jiff::SignedDuration::from_hours(36);

/// Maximum number of history entries of a broadcast: the first one and the latest ones.
const MAX_HISTORY: usize = 64;

/// Command of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Stop planning and sending until the broadcast is resumed.
    Pause,
    /// Continue.
    Resume,
    /// Stop for good.
    Cancel,
}

/// Error of a command that the status of the broadcast does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("broadcast is {status:?}")]
pub struct InvalidTransition {
    /// Current status.
    pub status: Status,
}

/// Result of [`Broadcast::lease`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "short-lived: matched at once by its caller")]
pub enum Lease {
    /// The planner holds the lease once this record is written.
    Acquired(Broadcast),
    /// Another planner holds the lease.
    Held {
        /// End of that lease.
        until: Timestamp,
    },
    /// All recipients are planned, or the broadcast is not running.
    NothingToPlan,
}

impl Broadcast {
    /// Returns the record after a command of the operator.
    ///
    /// # Errors
    ///
    /// [`InvalidTransition`]: the broadcast has that status already, or a final one.
    pub fn apply(&self, command: Command, now: Timestamp) -> Result<Self, InvalidTransition> {
        let status = match (command, self.status) {
            (Command::Pause, Status::Running) => Status::Paused,
            (Command::Resume, Status::Paused) => Status::Running,
            (Command::Cancel, Status::Running | Status::Paused) => Status::Cancelled,
            (_, status) => return Err(InvalidTransition { status }),
        };
        let resumed = Self { failures: 0, progress: None, blocked_on: None, ..self.clone() };
        Ok(resumed.transition(status, now, Some("by the operator")))
    }

    /// Leases planning to `owner` for [`LEASE_DURATION`].
    #[must_use]
    pub fn lease(&self, owner: &str, now: Timestamp) -> Lease {
        if self.status != Status::Running || self.cursor.is_none() {
            return Lease::NothingToPlan;
        }
        match &self.planner {
            Some(planner) if planner.owner != owner && now < planner.until => {
                Lease::Held { until: planner.until }
            }
            _ => Lease::Acquired(Self { planner: Some(planner(owner, now)), ..self.clone() }),
        }
    }

    /// Returns the record after `owner` planned `pages`; `None` if another planner holds the lease.
    #[must_use]
    pub fn checkpoint(&self, owner: &str, pages: &PlannedPages, now: Timestamp) -> Option<Self> {
        self.planner.as_ref().filter(|planner| planner.owner == owner)?;
        Some(Self {
            cursor: pages.cursor.clone(),
            blocked_on: None,
            planner: pages.cursor.is_some().then(|| planner(owner, now)),
            unreadable: self.unreadable + pages.unreadable,
            planned: self.planned + pages.planned.values().sum::<u64>(),
            ..self.clone()
        })
    }

    /// Returns the record without the lease of `owner`; `None` if another planner holds it.
    #[must_use]
    pub fn release_lease(&self, owner: &str) -> Option<Self> {
        self.planner.as_ref().filter(|planner| planner.owner == owner)?;
        Some(Self { planner: None, ..self.clone() })
    }

    /// Returns the record after a systemic failure of a send; the circuit breaker pauses it at [`BREAKER_THRESHOLD`].
    #[must_use]
    pub fn record_failure(&self, failure: &Failure, now: Timestamp) -> Self {
        let failed = Self { failures: self.failures.saturating_add(1), ..self.clone() };
        if failed.failures < BREAKER_THRESHOLD || failed.status != Status::Running {
            return failed;
        }
        let reason = format!("{} sends in a row failed: {failure}", failed.failures);
        failed.transition(Status::Paused, now, Some(&reason))
    }

    /// Returns the record after a successful send; `None` if nothing changes.
    #[must_use]
    pub fn record_success(&self) -> Option<Self> {
        (self.failures > 0).then(|| Self { failures: 0, ..self.clone() })
    }

    /// Returns the record as done once all recipients are planned and `settled` of them, at least as many, have an outcome;
    /// `None` otherwise, and if the status is final. A paused broadcast is done too when nothing is left to send.
    #[must_use]
    pub fn complete(&self, settled: u64, now: Timestamp) -> Option<Self> {
        let is_complete = self.cursor.is_none() && settled >= self.recipients();
        (is_complete && !self.status.is_over())
            .then(|| Self { progress: None, ..self.clone() }.transition(Status::Done, now, None))
    }

    /// Returns the record when `settled` planned recipients have an outcome; `None` if nothing changes.
    ///
    /// A running broadcast is done once all planned recipients have an outcome, or none was added for longer than a
    /// delivery can wait: a person with two conversations may be planned twice and receive one delivery.
    #[must_use]
    pub fn update_progress(&self, settled: u64, now: Timestamp) -> Option<Self> {
        if let Some(done) = self.complete(settled, now) {
            return Some(done);
        }
        let is_planned = self.status == Status::Running && self.cursor.is_none();
        let is_changed = self.progress.is_none_or(|progress| progress.settled != settled);
        let since = self.progress.map_or(now, |progress| progress.since);
        if is_planned && !is_changed && now.duration_since(since) >= COMPLETION_TIMEOUT {
            let reason = format!("{settled} of {} planned recipients have an outcome", self.recipients());
            return Some(Self { progress: None, ..self.clone() }.transition(
                Status::Done,
                now,
                Some(&reason),
            ));
        }
        (is_changed && !self.status.is_over()).then(|| Self {
            progress: Some(Progress { settled, since: now, recount: Recount::default() }),
            ..self.clone()
        })
    }

    /// Returns the recount to continue in a report of `slices`; `None` unless the broadcast is stalled, and once all slices
    /// are counted.
    #[must_use]
    pub fn next_recount(&self, slices: u16, now: Timestamp) -> Option<Recount> {
        let recount = self.progress?.recount;
        (self.status == Status::Running && self.is_stalled(now) && recount.slices < slices).then_some(recount)
    }

    /// Returns the record after one more slice was counted, with `settled` final outcomes, since `before`, in a report of
    /// `slices`: done if all recipients have one; `None` if outcomes were added meanwhile, or another tick counted it.
    #[must_use]
    pub fn record_recount(&self, before: Recount, settled: u64, slices: u16, now: Timestamp) -> Option<Self> {
        let progress = self.progress.filter(|progress| progress.recount == before)?;
        let recount = Recount { slices: before.slices + 1, settled: before.settled + settled };
        if recount.slices >= slices
            && let Some(done) = self.complete(recount.settled, now)
        {
            return Some(done);
        }
        Some(Self { progress: Some(Progress { recount, ..progress }), ..self.clone() })
    }

    /// Whether all recipients are planned and the number of outcomes is unchanged for minutes, so that the outcomes are
    /// recounted: a worker may have died after it wrote an outcome and before it updated the counters.
    #[must_use]
    pub fn is_stalled(&self, now: Timestamp) -> bool {
        const STALL_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

        let since = self.progress.map(|progress| progress.since);
        self.cursor.is_none() && since.is_some_and(|since| now.duration_since(since) >= STALL_AFTER)
    }

    /// Returns the record in another status.
    pub(super) fn transition(mut self, status: Status, at: Timestamp, reason: Option<&str>) -> Self {
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(1);
        }
        self.history.push(StatusChange { status, at, reason: reason.map(str::to_owned) });
        Self { status, ..self }
    }
}

/// Pages that a planner planned since its last checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedPages {
    /// Next page to plan; `None` once all recipients are planned.
    pub cursor: Option<Cursor>,
    /// Number of planned recipients by tenant key.
    pub planned: std::collections::BTreeMap<String, u64>,
    /// Number of planned recipients whose record could not be read.
    pub unreadable: u64,
}

fn planner(owner: &str, now: Timestamp) -> Planner {
    Planner { owner: owner.to_owned(), until: now.checked_add(LEASE_DURATION).unwrap_or(Timestamp::MAX) }
}
