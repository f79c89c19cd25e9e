//! Store of jobs: claims, writes and cancels records; [`crate::jobs`] decides about them.
//!
//! Records are versioned: a worker whose lease expired cannot write over the worker that claimed the job after it.

mod continuation;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::{SignedDuration, Timestamp};

use super::item::{Item, from_json, json, number};
use super::schema::{JOB, SINGLE, TTL};
use super::versioned::{self, Decision, OnConflict, RecordKey, Updated, Versioned};
use super::{StoreError, Table};
use crate::jobs;
use crate::jobs::{
    Cancel, CancelledBy, Claim, ClaimRequest, Job, JobId, KeepStream, Plan, ResendPolicy, State,
};

/// Retention of a record after its job expires.
///
/// It exceeds the retention of every copy of the message: 14 days in a queue and 14 in its dead-letter queue.
const RETENTION: SignedDuration = SignedDuration::from_hours(31 * 24);

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
}

/// The lease on the job was lost to another worker; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseLost;

impl Versioned for Job {
    const GET: &'static str = "get job";
    const PUT: &'static str = "put job";
    const MAX_ROUNDS: usize = 8;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let expires_at = self.expires_at.checked_add(RETENTION).unwrap_or(self.expires_at);
        Ok(put.item("job", json(self, "job")?).item(TTL, number(expires_at.as_second())))
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        from_json(item, "job")
    }
}

impl JobStore {
    /// Returns the store of jobs in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
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
            Some(stored) if stored == (Job { revision: stored.revision, ..job.clone() }) => {
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
            KeepStream::Write(job) => Decision::Write(job, ()),
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
        Ok(match versioned::modify(&self.table, &key(id), OnConflict::ReadAgain, decide).await? {
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
        Ok(match versioned::modify(&self.table, &key(id), OnConflict::ReturnedByWrite, decide).await? {
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
        versioned::read(&self.table, &key(id)).await
    }

    async fn update<W, K>(
        &self,
        id: &JobId,
        first: Decision<Job, W, K>,
        decide: impl FnMut(Option<Job>) -> Decision<Job, W, K>,
    ) -> Result<Updated<Job, W, K>, StoreError> {
        versioned::update(&self.table, &key(id), OnConflict::ReturnedByWrite, first, decide).await
    }
}

/// Whether `owner` holds the lease on `job`.
fn holds(job: &Job, owner: &str) -> bool {
    job.owner == owner && job.state == State::Sending
}

fn key(id: &JobId) -> RecordKey {
    RecordKey { pk: format!("{JOB}{}", id.as_str()), sk: SINGLE }
}
