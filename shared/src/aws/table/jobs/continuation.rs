//! The steps of tasks in the table: a step is put down before its message is queued, so that a cancel finds it.
//! What their records look like is the ledger's.

use jiff::Timestamp;

use super::{JobStore, Put, read};
use crate::aws::table::StoreError;
use crate::jobs::{Cancel, CancelledBy, Job, JobId, tombstone};

/// Most links that are followed: one more than a task has steps.
const MOST_LINKS: usize = 1_001;

impl JobStore {
    /// Puts `job` down unless there is a record of it, and returns what is there then.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; putting it down again is putting it down once.
    pub async fn open(&self, job: Job) -> Result<Job, StoreError> {
        loop {
            match self.put(job.clone()).await? {
                Put::Written(job) => return Ok(*job),
                Put::Lost(Some(item)) => return read(&item),
                // Gone in between.
                Put::Lost(None) => {}
            }
        }
    }

    /// Has the task not go on of which `id` is a step, and none of its later steps either; `None` when there is no
    /// record of it. A step in hand is not stopped: cancelled by the user, it has no successor.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; asking again tells what was cancelled.
    pub async fn cancel_task(
        &self,
        id: &JobId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Option<Cancel>, StoreError> {
        let Some(mut found) = self.cancel(id, by, now).await? else { return Ok(None) };
        let mut next = next_of(&found);
        for _ in 0..MOST_LINKS {
            let later = match self.cancel(&next, by, now).await? {
                Some(later) => later,
                None if by == CancelledBy::User && matches!(found, Cancel::Held { .. }) => {
                    let there = self.open(tombstone(next.clone(), by, now)).await?;
                    if !there.state.is_settled() {
                        // It went on in between.
                        continue;
                    }
                    return Ok(Some(Cancel::Cancelled(there)));
                }
                None => break,
            };
            let after = next_of(&later);
            if after == next {
                // Forbidden before.
                break;
            }
            next = after;
            if !matches!((&found, &later), (Cancel::Cancelled(_), Cancel::AlreadyCompleted(_))) {
                found = later;
            }
        }
        Ok(Some(found))
    }
}

fn next_of(found: &Cancel) -> JobId {
    match found {
        Cancel::Cancelled(job) | Cancel::AlreadyCompleted(job) => job.next_step(),
        Cancel::Held { next, .. } => next.clone(),
    }
}
