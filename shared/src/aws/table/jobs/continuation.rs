//! Steps of tasks in the table: a step is stored before its message is queued, so that a cancel finds it.

use jiff::Timestamp;

use super::JobStore;
use crate::aws::table::StoreError;
use crate::aws::table::versioned::{Decision, Updated};
use crate::jobs::{Cancel, CancelledBy, Job, JobId, tombstone};

/// Most steps that a cancel follows: one more than a task has.
const MAX_FOLLOWED: usize = 1_001;

impl JobStore {
    /// Stores `job` unless there is a record of it, and returns the stored record.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call is harmless.
    pub async fn open(&self, job: Job) -> Result<Job, StoreError> {
        let decide = |stored: Option<Job>| match stored {
            Some(stored) => Decision::Keep(stored),
            // It expired between the failed write and now.
            None => Decision::Write(job.clone(), ()),
        };
        Ok(match self.update(&job.id, decide(None), decide).await? {
            Updated::Written(job, ()) | Updated::Kept(job) => job,
        })
    }

    /// Cancels the task of which `id` is a step, its later steps included; `None` when there is no record of it.
    ///
    /// A running step is not stopped: cancelled by the user, it has no successor.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call returns what was cancelled.
    pub async fn cancel_task(
        &self,
        id: &JobId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Option<Cancel>, StoreError> {
        let Some(mut found) = self.cancel(id, by, now).await? else { return Ok(None) };
        let (mut next, mut waits) = (next_of(&found), waits_for_signal(&found));
        for _ in 0..MAX_FOLLOWED {
            let later = match self.cancel(&next, by, now).await? {
                Some(later) => later,
                // Without a record: a step may follow one that runs, and follows one that waits for a signal.
                None if waits || (by == CancelledBy::User && matches!(found, Cancel::Held { .. })) => {
                    match self.cancel_unrecorded(&next, by, now).await? {
                        Some(cancelled) => return Ok(Some(cancelled)),
                        // It continued concurrently.
                        None => continue,
                    }
                }
                None => break,
            };
            let after = next_of(&later);
            if after == next {
                // The tombstone is there already.
                break;
            }
            (next, waits) = (after, waits_for_signal(&later));
            if !matches!((&found, &later), (Cancel::Cancelled(_), Cancel::AlreadyCompleted(_))) {
                found = later;
            }
        }
        Ok(Some(found))
    }

    /// Cancels the step `id`, which has no record because it waits for a signal; `None` when it was resumed concurrently.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call is harmless.
    pub async fn cancel_unrecorded(
        &self,
        id: &JobId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Option<Cancel>, StoreError> {
        let there = self.open(tombstone(id.clone(), by, now)).await?;
        Ok(there.is_tombstone().then_some(Cancel::Cancelled(there)))
    }
}

fn waits_for_signal(found: &Cancel) -> bool {
    match found {
        Cancel::Cancelled(_) | Cancel::Held { .. } => false,
        Cancel::AlreadyCompleted(job) => job.waits_for.is_some(),
    }
}

fn next_of(found: &Cancel) -> JobId {
    match found {
        Cancel::Cancelled(job) | Cancel::AlreadyCompleted(job) => job.next_step(),
        Cancel::Held { next, .. } => next.clone(),
    }
}
