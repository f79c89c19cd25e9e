//! Jobs after a restore of the table, which lacks the records of those that were completed after its point in time.

use jiff::Timestamp;

use super::continuation::new_step;
use super::{FailureKind, Job, JobId, State};

/// Returns the record of the job `id`, which has none and may have been done before the table was restored.
#[must_use]
pub fn unrecorded(id: JobId, now: Timestamp) -> Job {
    let job = Job { next: None, ..new_step(id.clone(), id, now, now) };
    job.transition(State::Unknown, now, Some(FailureKind::BeforeSendEpoch.into()))
}
