//! Steps: a task that continues later is a chain of jobs, each with the id of the one that may follow.
//! The input of a step is in its message; its record only marks it as waiting, so that it can be cancelled.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::signal::MAX_WAIT;
use super::{CancelledBy, Claim, ClaimRequest, HistoryEntry, Job, JobId, Part, State, claim};
use crate::agent::signal::{ResumedBy, SignalKey};

/// Signal that a task waits for. The step that follows has no record until it is resumed or cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitsFor {
    /// Key of the signal.
    pub signal: SignalKey,
    /// Deadline.
    pub until: Timestamp,
}

impl JobId {
    /// Returns the step `number` of the task whose first step (0) this is.
    #[must_use]
    pub fn task_step(&self, number: u32) -> Self {
        match number {
            0 => self.clone(),
            later => self.part(Part::Task, usize::try_from(later).unwrap_or(usize::MAX)),
        }
    }
}

impl Job {
    /// Returns the id of the step that may follow.
    #[must_use]
    pub fn next_step(&self) -> JobId {
        self.next.clone().unwrap_or_else(|| self.id.task_step(1))
    }

    /// Whether a cancel stored the record before the work existed.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.history.first().is_some_and(|entry| entry.state == State::Cancelled)
    }
}

/// Returns the record of the step `id`, which waits until `due`; `next` may follow it.
#[must_use]
pub fn scheduled(id: JobId, next: JobId, due: Timestamp, expires_at: Timestamp, now: Timestamp) -> Job {
    new_step(id, next, expires_at, now).record(HistoryEntry {
        state: State::Retry,
        at: now,
        failure: None,
        due: Some(due),
    })
}

/// Claims the step `id` that `resumed_by` resumed, given its record; `next` may follow it.
///
/// The first claim stores what resumed the step.
#[must_use]
pub fn claim_resumed(
    record: Option<Job>,
    id: &JobId,
    request: &ClaimRequest,
    resumed_by: &ResumedBy,
    next: &JobId,
) -> Claim {
    match claim(record, id, request) {
        Claim::Acquired(job) if job.resumed_by.is_none() => {
            Claim::Acquired(Job { resumed_by: Some(resumed_by.clone()), next: Some(next.clone()), ..job })
        }
        other @ (Claim::Acquired(_) | Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_)) => other,
    }
}

/// Returns the record of a cancelled step that does not exist yet; it keeps the step before from starting it. It outlasts
/// the longest wait of that step.
#[must_use]
pub fn tombstone(id: JobId, by: CancelledBy, now: Timestamp) -> Job {
    let next = id.clone();
    let expires_at = now.checked_add(MAX_WAIT).unwrap_or(Timestamp::MAX);
    new_step(id, next, expires_at, now).transition(State::Cancelled, now, Some(by.failure()))
}

pub(super) fn new_step(id: JobId, next: JobId, expires_at: Timestamp, now: Timestamp) -> Job {
    Job {
        id,
        revision: 0,
        state: State::Retry,
        owner: String::new(),
        lease_until: now,
        not_before: None,
        attempts: 0,
        resends: 0,
        plan: None,
        inline_send: None,
        activity_id: None,
        stream: None,
        next: Some(next),
        waits_for: None,
        resumed_by: None,
        history: Vec::new(),
        expires_at,
    }
}
