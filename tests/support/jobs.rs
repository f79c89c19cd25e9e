//! Reads the history of job records: every state and failure of a job and of the send recorded inline in it.

use herald::jobs::{Failure, HistoryEntry, Job, State};

/// Returns every state that the job and its send had, the current ones first.
#[must_use]
pub fn states_of(job: &Job) -> Vec<State> {
    let current = [Some(job.state), job.inline_job().map(|send| send.state)];
    current.into_iter().flatten().chain(history_of(job).into_iter().map(|entry| entry.state)).collect()
}

/// Returns every failure that the job and its send had, oldest first.
#[must_use]
pub fn failures_of(job: &Job) -> Vec<Failure> {
    history_of(job).into_iter().filter_map(|entry| entry.failure).collect()
}

fn history_of(job: &Job) -> Vec<HistoryEntry> {
    let send = job.inline_job().map(|send| send.history).unwrap_or_default();
    job.history.iter().cloned().chain(send).collect()
}
