//! Steps: a task that goes on later is a chain of jobs, each of which names the one that may follow it.
//! What a step needs travels in its message; its record only says that it waits, so that it can be cancelled.

use jiff::Timestamp;

use super::{CancelledBy, Entry, Job, JobId, State};

impl JobId {
    /// The step `number` of the task whose first step this is; 0 is the first.
    #[must_use]
    pub fn task_step(&self, number: u32) -> Self {
        match number {
            0 => self.clone(),
            later => self.step("task", usize::try_from(later).unwrap_or(usize::MAX)),
        }
    }
}

impl Job {
    /// What the step that may follow is found by.
    #[must_use]
    pub fn next_step(&self) -> JobId {
        self.next.clone().unwrap_or_else(|| self.id.task_step(1))
    }
}

/// The record of the step `id` that waits until `due`, and that `next` may follow.
#[must_use]
pub fn scheduled(id: JobId, next: JobId, due: Timestamp, expires_at: Timestamp, now: Timestamp) -> Job {
    new_step(id, next, expires_at, now).record(Entry {
        state: State::Retry,
        at: now,
        failure: None,
        due: Some(due),
    })
}

/// The record of a step that is not to be taken, should the step before ask for it.
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
