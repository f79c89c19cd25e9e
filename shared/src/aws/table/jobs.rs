//! Store of jobs: claims, writes and cancels records; [`crate::jobs`] decides about them.
//!
//! Records are versioned: a worker whose lease expired cannot write over the worker that claimed the job after it.

mod continuation;
mod delivery;
mod large_plan;
mod record;

use std::sync::Arc;

use jiff::Timestamp;

pub use self::delivery::{DeliveryRecord, Reported};
pub(super) use self::delivery::{read_entry, slice_key, slice_of};
use self::record::{NotedOutcome, Record};
use super::versioned::{self, Decision, OnConflict, Updated};
use super::{StoreError, Table};
use crate::agent::signal::ResumedBy;
use crate::jobs;
use crate::jobs::{
    Cancel, CancelledBy, Claim, ClaimRequest, Job, JobId, KeepStream, Plan, ResendPolicy, State,
};

/// Store of jobs.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use herald::aws::table::{JobStore, StoreError};
/// use herald::jobs::{Claim, ClaimRequest, JobId, ResendPolicy};
/// use jiff::{SignedDuration, Timestamp};
///
/// async fn claim(jobs: &JobStore, id: &JobId, now: Timestamp) -> Result<bool, StoreError> {
///     let request = ClaimRequest {
///         owner: "worker-1".to_owned(),
///         now,
///         lease: Duration::from_secs(20),
///         expires_at: now + SignedDuration::from_hours(1),
///         policy: ResendPolicy::Answer,
///     };
///     Ok(matches!(jobs.claim(id, &request).await?, Claim::Acquired(_)))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct JobStore {
    table: Table,
    /// The delivery whose record is written; `None` for jobs that belong to no broadcast.
    delivery: Option<Arc<DeliveryRecord>>,
}

/// The lease on the job was lost to another worker; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseLost;

impl JobStore {
    /// Returns the store of jobs in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, delivery: None }
    }

    /// Returns the table of the store.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Claims the job `id` for `claimant` and stores the claim, in one write unless other writers interfere.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the job may be claimed all the same: a second call returns the claim.
    pub async fn claim(&self, id: &JobId, claimant: &ClaimRequest) -> Result<Claim, StoreError> {
        self.claim_as(id, |record| jobs::claim(record, id, claimant)).await
    }

    /// Claims the job `id` and stores its plan in the same write: see [`jobs::claim_planned`].
    ///
    /// # Errors
    ///
    /// [`StoreError`], as of [`claim`](Self::claim).
    pub async fn claim_planned(
        &self,
        id: &JobId,
        claimant: &ClaimRequest,
        plan: &Plan,
        policy: ResendPolicy,
    ) -> Result<Claim, StoreError> {
        self.claim_as(id, |record| jobs::claim_planned(record, id, claimant, plan, policy)).await
    }

    /// Claims the run `id` that `resumed_by` resumed; `next` may follow it. The first claim stores what resumed it.
    ///
    /// # Errors
    ///
    /// [`StoreError`], as of [`claim`](Self::claim).
    pub async fn claim_resumed(
        &self,
        id: &JobId,
        claimant: &ClaimRequest,
        resumed_by: &ResumedBy,
        next: &JobId,
    ) -> Result<Claim, StoreError> {
        self.claim_as(id, |record| jobs::claim_resumed(record, id, claimant, resumed_by, next)).await
    }

    async fn claim_as(&self, id: &JobId, claim: impl Fn(Option<Job>) -> Claim) -> Result<Claim, StoreError> {
        type Written = fn(Job) -> Claim;
        let decide = |record| match claim(record) {
            Claim::Acquired(job) => Decision::Write(job, Claim::Acquired as Written),
            Claim::GaveUp(job) => Decision::Write(job, Claim::GaveUp as Written),
            unchanged @ (Claim::Completed(_) | Claim::Held { .. }) => Decision::Keep(unchanged),
        };
        Ok(match self.update(id, decide(None), decide).await? {
            Updated::Written(job, claim) => claim(job),
            Updated::Kept(claim) => claim,
        })
    }

    /// Writes `job`, on which the caller holds the lease, and returns it at its new revision.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; `Ok(Err(LeaseLost))` when another worker holds the lease.
    pub async fn write(&self, job: Job) -> Result<Result<Job, LeaseLost>, StoreError> {
        let decide = |stored: Option<Job>| match stored {
            // The SDK repeats a write whose reply was lost: then the stored record is this one.
            Some(stored)
                if self.as_stored(stored.clone())
                    == self.as_stored(Job { revision: stored.revision, ..job.clone() }) =>
            {
                Decision::Keep(Ok(stored))
            }
            // The lease was renewed concurrently.
            Some(stored) if holds(&stored, &job.owner) => {
                let lease_until = job.lease_until.max(stored.lease_until);
                Decision::Write(Job { revision: stored.revision, lease_until, ..job.clone() }, ())
            }
            _ => Decision::Keep(Err(LeaseLost)),
        };
        let first = Decision::Write(job.clone(), ());
        Ok(match self.update(&job.id, first, decide).await? {
            Updated::Written(job, ()) => Ok(job),
            Updated::Kept(result) => result,
        })
    }

    /// Stores the stream of `waiting`, a task that no worker has claimed, whose last chunk before had this `sequence`; returns
    /// whether it is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the stream may be stored all the same.
    pub async fn keep_stream(&self, waiting: Job, sequence: u32) -> Result<bool, StoreError> {
        let decide = |stored: Option<Job>| match jobs::keep_stream(stored, &waiting, sequence) {
            KeepStream::Write(job) => Decision::Write(*job, ()),
            KeepStream::Stored => Decision::Keep(true),
            KeepStream::Lost => Decision::Keep(false),
        };
        Ok(match self.update(&waiting.id, decide(None), decide).await? {
            Updated::Written(_, ()) => true,
            Updated::Kept(is_stored) => is_stored,
        })
    }

    /// Renews the lease of `owner` on the job `id` until `lease_until`.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; `Ok(Err(LeaseLost))` when another worker holds the lease.
    pub async fn renew(
        &self,
        id: &JobId,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<Result<(), LeaseLost>, StoreError> {
        let decide = |stored: Option<Job>| match stored {
            Some(job) if holds(&job, owner) => {
                let lease_until = job.lease_until.max(lease_until);
                Decision::Write(Job { lease_until, ..job }, ())
            }
            _ => Decision::Keep(Err(LeaseLost)),
        };
        // The owner itself may write concurrently: its record is read again, so that none of it is undone.
        Ok(match self.modify(id, OnConflict::ReadAgain, decide).await? {
            Updated::Written(_, ()) => Ok(()),
            Updated::Kept(result) => result,
        })
    }

    /// Cancels the job `id` on behalf of `by` if it waits; `None` when there is no record of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call returns whether it was cancelled.
    pub async fn cancel(
        &self,
        id: &JobId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Option<Cancel>, StoreError> {
        let decide = |stored: Option<Job>| match stored.map(|job| jobs::cancel(job, by, now)) {
            Some(Cancel::Cancelled(job)) => Decision::Write(job, ()),
            unchanged @ (None | Some(Cancel::Held { .. } | Cancel::AlreadyCompleted(_))) => {
                Decision::Keep(unchanged)
            }
        };
        Ok(match self.modify(id, OnConflict::ReturnedByWrite, decide).await? {
            Updated::Written(job, ()) => Some(Cancel::Cancelled(job)),
            Updated::Kept(result) => result,
        })
    }

    /// Returns the record of the job `id`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let record: Option<Record> = versioned::read(&self.table, &self.key(id)).await?;
        Ok(record.map(|record| self.seen(record).job))
    }

    async fn update<W, K>(
        &self,
        id: &JobId,
        first: Decision<Job, W, K>,
        decide: impl FnMut(Option<Job>) -> Decision<Job, W, K>,
    ) -> Result<Updated<Job, W, K>, StoreError> {
        self.update_as(id, &|_| None, first, decide).await
    }

    /// Updates the record of `id`, with the outcome that `outcome_of` gives a written job where it gives one.
    async fn update_as<W, K>(
        &self,
        id: &JobId,
        outcome_of: &(dyn Fn(&Job) -> Option<NotedOutcome> + Sync),
        first: Decision<Job, W, K>,
        mut decide: impl FnMut(Option<Job>) -> Decision<Job, W, K>,
    ) -> Result<Updated<Job, W, K>, StoreError> {
        let first = self.record_of(first, outcome_of);
        let decide = |stored: Option<Record>| {
            let decision = decide(stored.map(|record| self.seen(record).job));
            self.record_of(decision, outcome_of)
        };
        let key = self.key(id);
        let updated =
            versioned::update(&self.table, &key, OnConflict::ReturnedByWrite, first, decide).await?;
        Ok(self.updated(updated))
    }

    /// Reads the record of `id` and carries out what `decide` makes of it.
    async fn modify<W, K>(
        &self,
        id: &JobId,
        on_conflict: OnConflict,
        mut decide: impl FnMut(Option<Job>) -> Decision<Job, W, K>,
    ) -> Result<Updated<Job, W, K>, StoreError> {
        let decide = |stored: Option<Record>| {
            let decision = decide(stored.map(|record| self.seen(record).job));
            self.record_of(decision, &|_| None)
        };
        let updated = versioned::modify(&self.table, &self.key(id), on_conflict, decide).await?;
        Ok(self.updated(updated))
    }

    fn updated<W, K>(&self, updated: Updated<Record, W, K>) -> Updated<Job, W, K> {
        match updated {
            Updated::Written(record, result) => Updated::Written(self.written(record).job, result),
            Updated::Kept(result) => Updated::Kept(result),
        }
    }
}

/// Whether `owner` holds the lease on `job`.
fn holds(job: &Job, owner: &str) -> bool {
    job.owner == owner && job.state == State::Sending
}
