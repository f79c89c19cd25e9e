//! Jobs that end or wait without an attempt: recipients who are skipped, and deliveries that are deferred.
//! Which of them is skipped or deferred is decided in [`crate::broadcast`].

use jiff::Timestamp;

use super::{Cancel, CancelledBy, HistoryEntry, Job, JobId, State, cancel};

/// Result of [`defer()`].
#[derive(Debug, Clone, PartialEq)]
pub enum Defer {
    /// The job waits once this record is written.
    Deferred(Job),
    /// An owner holds the lease; the job is not deferred.
    Held {
        /// End of that lease.
        until: Timestamp,
    },
    /// The state is final.
    Completed(Job),
}

/// Returns the record of the job `id`, which ends in `state` without an attempt.
#[must_use]
pub fn ended(id: JobId, state: State, now: Timestamp) -> Job {
    waiting(id, now, now).transition(state, now, None)
}

/// Cancels the job `id`, given its record; without a record it ends as CANCELLED.
#[must_use]
pub fn skip(record: Option<Job>, id: &JobId, now: Timestamp) -> Cancel {
    match record {
        Some(job) => cancel(job, CancelledBy::Operator, now),
        None => Cancel::Cancelled(ended(id.clone(), State::Cancelled, now)),
    }
}

/// Defers the job `id` until `due`, given its record. It expires at `expires_at`, or later where its record says so.
#[must_use]
pub fn defer(
    record: Option<Job>,
    id: &JobId,
    due: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
) -> Defer {
    let job = match record {
        Some(job) if job.state.is_settled() => return Defer::Completed(job),
        Some(job) if job.state == State::Sending && now < job.lease_until => {
            return Defer::Held { until: job.lease_until };
        }
        Some(job) => Job { expires_at: job.expires_at.max(expires_at), ..job },
        None => waiting(id.clone(), expires_at, now),
    };
    let entry = HistoryEntry { state: State::Retry, at: now, failure: None, due: Some(due) };
    Defer::Deferred(job.record(entry))
}

fn waiting(id: JobId, expires_at: Timestamp, now: Timestamp) -> Job {
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
        next: None,
        waits_for: None,
        resumed_by: None,
        history: Vec::new(),
        expires_at,
    }
}
