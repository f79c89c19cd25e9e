//! Jobs in the table: reads a record, lets the ledger decide, writes what it decided if nobody was faster.
//! Every write names the revision it is based on, so a claim that was lost cannot be written over.

mod continuation;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};

use super::item::{Item, ONLY, from_json, json, number, text};
use super::versioned::at_revision;
use super::{StoreError, Table};
use crate::jobs;
use crate::jobs::{Cancel, CancelledBy, Claim, ClaimRequest, Job, JobId, Plan, ResendPolicy, State};

/// A settled job's claim outlives every copy of its message: 14 days in a queue, 14 in its dead-letter
/// queue, and a margin.
const KEPT: SignedDuration = SignedDuration::from_hours(31 * 24);

/// How often a claim is decided anew when others write in between.
const MAX_ROUNDS: usize = 8;

/// The jobs in the table.
#[derive(Debug, Clone)]
pub struct JobStore {
    table: Table,
}

/// The claim was lost: someone else has the job now, and what was to be written does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenced;

enum Put {
    Written(Box<Job>),
    Lost(Option<Item>),
}

impl JobStore {
    /// The jobs in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The table they are in.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Wants the job `id` for `claimant`; what the claim decides is written when it returns.
    ///
    /// One write for a new job, one more for each turn of events in between.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the job may then be claimed by `claimant` all the same, and asking again tells.
    pub async fn claim(&self, id: &JobId, claimant: &ClaimRequest) -> Result<Claim, StoreError> {
        self.claim_as(|record| jobs::claim(record, id, claimant)).await
    }

    /// The same with what is to be done, in the same write: see [`jobs::claim_planned`].
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
        self.claim_as(|record| jobs::claim_planned(record, id, claimant, plan, policy)).await
    }

    async fn claim_as(&self, decide: impl Fn(Option<Job>) -> Claim) -> Result<Claim, StoreError> {
        let mut record = None;
        for _ in 0..MAX_ROUNDS {
            let decided = decide(record.take());
            let lost = match decided {
                Claim::Completed(_) | Claim::Held { .. } => return Ok(decided),
                Claim::Acquired(job) => match self.put(job).await? {
                    Put::Written(job) => return Ok(Claim::Acquired(*job)),
                    Put::Lost(item) => item,
                },
                Claim::GaveUp(job) => match self.put(job).await? {
                    Put::Written(job) => return Ok(Claim::GaveUp(*job)),
                    Put::Lost(item) => item,
                },
            };
            record = lost.as_ref().map(read).transpose()?;
        }
        Err(StoreError::Contended)
    }

    /// Writes `job`, which the caller claimed, and returns it as it stands now.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; `Ok(Err(Fenced))` when the claim was lost meanwhile.
    pub async fn write(&self, mut job: Job) -> Result<Result<Job, Fenced>, StoreError> {
        for _ in 0..MAX_ROUNDS {
            let there = match self.put(job.clone()).await? {
                Put::Written(job) => return Ok(Ok(*job)),
                Put::Lost(item) => item.as_ref().map(read).transpose()?,
            };
            match there {
                // The SDK repeats a write whose reply was lost: then what is there is ours.
                Some(there) if there == (Job { revision: there.revision, ..job.clone() }) => {
                    return Ok(Ok(there));
                }
                // The same claim, renewed meanwhile.
                Some(there) if there.owner == job.owner && there.state == State::Sending => {
                    job.revision = there.revision;
                    job.lease_until = job.lease_until.max(there.lease_until);
                }
                _ => return Ok(Err(Fenced)),
            }
        }
        Err(StoreError::Contended)
    }

    /// Has the claim of `owner` on `id` hold until `lease_until`.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; `Ok(Err(Fenced))` when the claim was lost meanwhile.
    pub async fn renew(
        &self,
        id: &JobId,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<Result<(), Fenced>, StoreError> {
        for _ in 0..MAX_ROUNDS {
            match self.get(id).await? {
                Some(job) if job.owner == owner && job.state == State::Sending => {
                    let lease_until = job.lease_until.max(lease_until);
                    // Overtaken by the owner's own write, whose record is read again: nothing of it is undone.
                    if let Put::Written(_) = self.put(Job { lease_until, ..job }).await? {
                        return Ok(Ok(()));
                    }
                }
                _ => return Ok(Err(Fenced)),
            }
        }
        Err(StoreError::Contended)
    }

    /// Has the job `id` not be done any more, as `by` wishes, if it waits; `None` when there is no record of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; asking again tells whether it was cancelled.
    pub async fn cancel(
        &self,
        id: &JobId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Option<Cancel>, StoreError> {
        let mut record = self.get(id).await?;
        for _ in 0..MAX_ROUNDS {
            let Some(job) = record else { return Ok(None) };
            let cancelled = match jobs::cancel(job, by, now) {
                Cancel::Cancelled(job) => job,
                other @ (Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) => return Ok(Some(other)),
            };
            record = match self.put(cancelled).await? {
                Put::Written(job) => return Ok(Some(Cancel::Cancelled(*job))),
                Put::Lost(item) => item.as_ref().map(read).transpose()?,
            };
        }
        Err(StoreError::Contended)
    }

    /// The record of `id`, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(pk(id))).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get job", error))?;
        found.item.as_ref().map(read).transpose()
    }

    async fn put(&self, job: Job) -> Result<Put, StoreError> {
        let based_on = job.revision;
        let job = Job { revision: based_on + 1, ..job };
        let ends = job.expires_at.checked_add(KEPT).unwrap_or(job.expires_at);
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(&job.id)))
            .item("sk", text(ONLY))
            .item("revision", number(job.revision))
            .item("job", json(&job, "job")?)
            .item("ttl", number(ends.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match at_revision(request, based_on).send().await {
            Ok(_) => Ok(Put::Written(Box::new(job))),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let lost = error.into_err();
                if let PutItemError::ConditionalCheckFailedException(failed) = lost {
                    return Ok(Put::Lost(failed.item));
                }
                Err(StoreError::unavailable("put job", lost))
            }
            Err(error) => Err(StoreError::unavailable("put job", error)),
        }
    }
}

fn pk(id: &JobId) -> String {
    format!("job#{}", id.as_str())
}

fn read(item: &Item) -> Result<Job, StoreError> {
    from_json(item, "job")
}
