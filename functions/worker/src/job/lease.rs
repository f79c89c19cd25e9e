//! Lease on a job: claimed, renewed while work goes on, completed with its results.
//! The transitions of the record are decided in `herald::jobs`.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::ResumedBy;
use herald::aws::table::{DeliveryRecord, JobStore, StoreError};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::{
    Attempt, Claim, ClaimRequest, Conclusion, Failure, FailureKind, Job, JobId, Plan, ResendPolicy, State,
    finish, unrecorded,
};
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::MessageContext;
use crate::retry::RetryIn;

/// Duration of a lease that is renewed while work goes on: longer than one request to the channel can take.
pub(crate) const LEASE: Duration = Duration::from_secs(20);

/// Interval between two renewals of a lease.
const RENEW_INTERVAL: Duration = Duration::from_secs(10);

/// Attempts to record a send, and the pause between them: within the lease of its claim.
const RECORD_TRIES: usize = 4;
const RECORD_PAUSE: Duration = Duration::from_secs(2);

/// Age after which a job is not started any more: an answer that is a day late is of no use.
pub(crate) const JOB_TTL: SignedDuration = SignedDuration::from_hours(24);

/// Result of claiming a job.
pub(crate) enum Claimed {
    /// This worker holds the lease.
    Acquired(Job),
    /// The job is completed.
    Completed(Job),
}

/// Results of the sends of a job, which ends as the first of them that was not sent.
#[derive(Default)]
pub(crate) struct SendResults {
    unsent: Option<(State, Option<Failure>)>,
}

impl SendResults {
    /// Takes `job`, a completed send, into account.
    pub(crate) fn add(&mut self, job: &Job) {
        self.unsent = self.unsent.take().or_else(|| job.unsuccessful_outcome());
    }
}

/// Claims jobs and records what becomes of them.
#[derive(Clone)]
pub(crate) struct Jobs {
    pub(crate) store: JobStore,
    /// When the table was restored last.
    pub(crate) send_epoch: Option<Timestamp>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

impl Jobs {
    /// Returns the same for the records of one delivery.
    pub(crate) fn of_delivery(&self, record: DeliveryRecord) -> Self {
        Self { store: self.store.of_delivery(record), ..self.clone() }
    }

    /// Claims `id`, for work on the message that `context` describes.
    pub(crate) async fn claim(
        &self,
        id: &JobId,
        policy: ResendPolicy,
        context: MessageContext,
    ) -> Result<Claimed, RetryIn> {
        if let Some(job) = self.unrecorded(id, context).await? {
            return Ok(Claimed::Completed(job));
        }
        let claimant = self.claimant(policy, context);
        self.claimed(id, claimant.now, self.store.claim(id, &claimant).await)
    }

    /// Claims the step `id` of a task that `resumed_by` resumed; `next` may follow it.
    pub(crate) async fn claim_resumed(
        &self,
        id: &JobId,
        resumed_by: &ResumedBy,
        next: &JobId,
        context: MessageContext,
    ) -> Result<Claimed, RetryIn> {
        if let Some(job) = self.unrecorded(id, context).await? {
            return Ok(Claimed::Completed(job));
        }
        let claimant = self.claimant(ResendPolicy::Idempotent, context);
        self.claimed(id, claimant.now, self.store.claim_resumed(id, &claimant, resumed_by, next).await)
    }

    /// Claims `id` together with its plan, and with the plan its only send, if that is the first thing to do.
    pub(crate) async fn claim_planned(
        &self,
        id: &JobId,
        plan: &Plan,
        policy: ResendPolicy,
        context: MessageContext,
    ) -> Result<Claimed, RetryIn> {
        if let Some(job) = self.unrecorded(id, context).await? {
            return Ok(Claimed::Completed(job));
        }
        let claimant = self.claimant(ResendPolicy::Idempotent, context);
        self.claimed(id, claimant.now, self.store.claim_planned(id, &claimant, plan, policy).await)
    }

    /// Returns the settled record of a job that is older than the last restore of the table. One without a record may have
    /// been done, and ends as UNKNOWN.
    async fn unrecorded(&self, id: &JobId, context: MessageContext) -> Result<Option<Job>, RetryIn> {
        let asked_at = context.expires_at.and_then(|at| at.checked_sub(JOB_TTL).ok()).or(context.sent_at);
        let is_older = self.send_epoch.zip(asked_at).is_some_and(|(epoch, asked_at)| asked_at < epoch);
        if !is_older {
            return Ok(None);
        }
        let opened = self.store.open(unrecorded(id.clone(), self.clock.now())).await;
        let job = opened.map_err(|error| self.retry_after_store_error(&error, id))?;
        if job.state == State::Unknown {
            let reason = job.reason().unwrap_or_default();
            warn!(job.id = id.as_str(), job.state = ?job.state, "gave up on a job: {reason}");
        }
        Ok(job.state.is_settled().then_some(job))
    }

    /// Returns a request to claim a job with this policy.
    fn claimant(&self, policy: ResendPolicy, context: MessageContext) -> ClaimRequest {
        let now = self.clock.now();
        let expires_at = context.expires_at.or_else(|| now.checked_add(JOB_TTL).ok()).unwrap_or(now);
        let left = context.lease_until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
        let lease = left.unwrap_or_default().max(LEASE);
        ClaimRequest { owner: self.random.random_id(), now, lease, expires_at, policy }
    }

    fn claimed(
        &self,
        id: &JobId,
        now: Timestamp,
        claimed: Result<Claim, StoreError>,
    ) -> Result<Claimed, RetryIn> {
        match claimed.map_err(|error| self.retry_after_store_error(&error, id))? {
            Claim::Acquired(job) => Ok(Claimed::Acquired(job)),
            Claim::Completed(job) => Ok(Claimed::Completed(job)),
            Claim::GaveUp(job) => {
                let reason = job.reason().unwrap_or_default();
                warn!(job.id = id.as_str(), job.state = ?job.state, "gave up on a job: {reason}");
                Ok(Claimed::Completed(job))
            }
            Claim::Held { until } => Err(RetryIn::after_lease(until, now)),
        }
    }

    /// Runs `work` under the lease on `job`, which is renewed meanwhile unless it ends with the message.
    pub(crate) async fn with_lease<T>(
        &self,
        job: &Job,
        context: MessageContext,
        work: impl Future<Output = T>,
    ) -> T {
        if context.lease_until.is_some() {
            return work.await;
        }
        tokio::select! {
            biased;
            done = work => done,
            never = self.renew_lease(job) => never,
        }
    }

    /// Renews the lease on `job` at every interval; never returns.
    async fn renew_lease<T>(&self, job: &Job) -> T {
        loop {
            self.clock.sleep(RENEW_INTERVAL).await;
            let until = self.clock.now().checked_add(LEASE).unwrap_or(job.lease_until);
            match self.store.renew(&job.id, &job.owner, until).await {
                Ok(Ok(())) => {}
                Ok(Err(_fenced)) => warn!(job.id = job.id.as_str(), "lost the lease on a job"),
                Err(error) => {
                    warn!(
                        error = %error_chain(&error),
                        job.id = job.id.as_str(),
                        "could not renew the lease on a job"
                    );
                }
            }
        }
    }

    /// Completes `job` as its plan and its sends decide, or records that it is retried.
    pub(crate) async fn complete(
        &self,
        job: Job,
        carried_out: Result<SendResults, RetryIn>,
    ) -> Result<(), RetryIn> {
        let conclusion = job.plan.as_ref().map_or(Conclusion::Done, |plan| plan.conclusion);
        let (attempt, outcome) = match carried_out {
            Err(retry) => (Attempt::Retryable(FailureKind::PartDelayed.into()), Err(retry)),
            Ok(SendResults { unsent }) => (conclusion.attempt(unsent), Ok(())),
        };
        let completed = finish(job, attempt, ResendPolicy::Idempotent, self.clock.now());
        let completed = match completed.inline_send {
            // This write may be the first that records its send.
            Some(_) => self.record(completed).await?,
            None => self.write(completed).await?,
        };
        log_completed(&completed);
        outcome
    }

    /// Whether an earlier worker made the send of `job`: the job `next`, which is enqueued after it, has a record.
    pub(crate) async fn is_confirmed_by(&self, job: &Job, next: &JobId) -> Result<bool, RetryIn> {
        if !job.has_ambiguous_send() {
            return Ok(false);
        }
        let next = self.store.get(next).await;
        let next = next.map_err(|error| self.retry_after_store_error(&error, &job.id))?;
        Ok(next.is_some_and(|next| !next.is_tombstone()))
    }

    /// Writes the result of a request. It is tried several times where the table fails, for a send without a record is
    /// repeated.
    pub(crate) async fn record(&self, job: Job) -> Result<Job, RetryIn> {
        for _ in 0..RECORD_TRIES {
            match self.store.write(job.clone()).await {
                Ok(Ok(written)) => return Ok(written),
                Ok(Err(_fenced)) => break,
                Err(error) => {
                    warn!(error = %error_chain(&error), job.id = job.id.as_str(), "could not record a send yet");
                    self.clock.sleep(RECORD_PAUSE).await;
                }
            }
        }
        self.write(job).await
    }

    /// Writes a job whose lease this worker holds.
    pub(crate) async fn write(&self, job: Job) -> Result<Job, RetryIn> {
        let id = job.id.clone();
        match self.store.write(job).await {
            Ok(Ok(job)) => Ok(job),
            Ok(Err(_fenced)) => {
                warn!(job.id = id.as_str(), "another worker acquired the lease on a job");
                Err(RetryIn::after(LEASE))
            }
            Err(error) => Err(self.retry_after_store_error(&error, &id)),
        }
    }

    /// Logs that the table could not be reached for the job `id`, and backs off.
    pub(crate) fn retry_after_store_error(&self, error: &StoreError, id: &JobId) -> RetryIn {
        RetryIn::after_store_error(error, id, &self.random)
    }

    /// Returns the moment of the first claim on `job`, which is the same in every replay.
    pub(crate) fn first_started_at(&self, job: &Job) -> Timestamp {
        let first = job.history.iter().find(|entry| entry.state == State::Sending);
        first.map_or_else(|| self.clock.now(), |entry| entry.at)
    }
}

/// Logs that a job is completed, if it is.
pub(crate) fn log_completed(job: &Job) {
    if job.state.is_settled() {
        info!(job.id = job.id.as_str(), job.state = ?job.state, attempts = job.attempts, "completed a job");
    }
}
