//! Steps: a task that continues later is a chain of jobs, each with the id of the one that may follow.
//! The input of a step is in its message; its record only marks it as waiting, so that it can be cancelled.

use jiff::Timestamp;

use super::{CancelledBy, HistoryEntry, Job, JobId, State};

impl JobId {
    /// Returns the step `number` of the task whose first step (0) this is.
    #[must_use]
    pub fn task_step(&self, number: u32) -> Self {
        match number {
            0 => self.clone(),
            later => self.step("task", usize::try_from(later).unwrap_or(usize::MAX)),
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

/// Returns the record of a cancelled step that does not exist yet; it keeps the step before from starting it.
#[must_use]
pub fn tombstone(id: JobId, by: CancelledBy, now: Timestamp) -> Job {
    let next = id.clone();
    new_step(id, next, now, now).transition(State::Cancelled, now, Some(by.failure()))
}

fn new_step(id: JobId, next: JobId, expires_at: Timestamp, now: Timestamp) -> Job {
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
        history: Vec::new(),
        expires_at,
    }
}
