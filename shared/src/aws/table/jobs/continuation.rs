//! Steps of tasks in the table: a step is stored before its message is queued, so that a cancel finds it.

use jiff::Timestamp;

use super::JobStore;
use crate::aws::table::StoreError;
use crate::aws::table::versioned::{Decision, Updated};
use crate::jobs::{By, Cancel, Job, JobId, forbidden};

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
        by: By,
        now: Timestamp,
    ) -> Result<Option<Cancel>, StoreError> {
        let Some(mut found) = self.cancel(id, by, now).await? else { return Ok(None) };
        let mut next = next_of(&found);
        for _ in 0..MAX_FOLLOWED {
            let later = match self.cancel(&next, by, now).await? {
                Some(later) => later,
                None if by == By::User && matches!(found, Cancel::InHand { .. }) => {
                    let there = self.open(forbidden(next.clone(), by, now)).await?;
                    if !there.state.is_settled() {
                        // It continued concurrently.
                        continue;
                    }
                    return Ok(Some(Cancel::Cancelled(there)));
                }
                None => break,
            };
            let after = next_of(&later);
            if after == next {
                // The tombstone is there already.
                break;
            }
            next = after;
            if !matches!((&found, &later), (Cancel::Cancelled(_), Cancel::Settled(_))) {
                found = later;
            }
        }
        Ok(Some(found))
    }
}

fn next_of(found: &Cancel) -> JobId {
    match found {
        Cancel::Cancelled(job) | Cancel::Settled(job) => job.next_step(),
        Cancel::InHand { next, .. } => next.clone(),
    }
}
