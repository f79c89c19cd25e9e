//! A job in hand: claimed, renewed while it is worked on, its plan stored before it is carried out.
//! What the plan says is decided by `turns`, `tasks` and `deliveries`.

use std::time::Duration;

use herald::aws::table::StoreError;
use herald::error::error_chain;
use herald::jobs::{
    Attempt, Claim, ClaimRequest, Conclusion, Failure, FailureKind, Job, JobId, Plan, ResendPolicy, State,
    finish,
};
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::{Later, Worker};

/// How long a claim holds: longer than one request to the channel can take, and renewed while work goes on.
pub(crate) const LEASE: Duration = Duration::from_secs(20);

/// How often it is renewed.
const BEAT: Duration = Duration::from_secs(10);

/// After this a job is not begun any more: an answer that is a day late is none.
pub(crate) const EXPIRY: SignedDuration = SignedDuration::from_hours(24);

/// A job that was wanted.
pub(crate) enum Wanted {
    /// It is ours.
    InHand(Job),
    /// There is nothing left to do about it.
    Settled(Job),
}

/// How the parts of a job ended, which decide how it ends itself: as the first of them that was not sent.
#[derive(Default)]
pub(crate) struct Parts {
    unsent: Option<(State, Option<Failure>)>,
}

impl Parts {
    /// Takes `job`, which is settled, into account.
    pub(crate) fn add(&mut self, job: &Job) {
        self.unsent = self.unsent.take().or_else(|| job.unsuccessful_outcome());
    }
}

impl Worker {
    /// Claims `id`.
    pub(crate) async fn claim(&self, id: &JobId, policy: ResendPolicy) -> Result<Wanted, Later> {
        let claimant = self.claimant(policy);
        self.wanted(id, claimant.now, self.jobs.claim(id, &claimant).await)
    }

    /// Claims `id` with what is to be done, the only send of which is claimed with it.
    pub(crate) async fn claim_planned(
        &self,
        id: &JobId,
        plan: &Plan,
        policy: ResendPolicy,
    ) -> Result<Wanted, Later> {
        let claimant = self.claimant(ResendPolicy::Idempotent);
        self.wanted(id, claimant.now, self.jobs.claim_planned(id, &claimant, plan, policy).await)
    }

    fn claimant(&self, policy: ResendPolicy) -> ClaimRequest {
        let now = self.clock.now();
        let expires_at = now.checked_add(EXPIRY).unwrap_or(now);
        ClaimRequest { owner: self.random.random_id(), now, lease: LEASE, expires_at, policy }
    }

    fn wanted(
        &self,
        id: &JobId,
        now: Timestamp,
        claimed: Result<Claim, StoreError>,
    ) -> Result<Wanted, Later> {
        match claimed.map_err(|error| self.put_off(&error, id))? {
            Claim::Acquired(job) => Ok(Wanted::InHand(job)),
            Claim::Completed(job) => Ok(Wanted::Settled(job)),
            Claim::GaveUp(job) => {
                let reason = job.reason().unwrap_or_default();
                warn!(job.id = id.as_str(), job.state = ?job.state, "gave up a job: {reason}");
                Ok(Wanted::Settled(job))
            }
            Claim::Held { until } => Err(Later::once_free(until, now)),
        }
    }

    /// Does `work` while the claim on `job` is renewed.
    pub(crate) async fn holding<T>(&self, job: &Job, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.keep_claim(job) => never,
        }
    }

    async fn keep_claim<T>(&self, job: &Job) -> T {
        loop {
            self.clock.sleep(BEAT).await;
            let until = self.clock.now().checked_add(LEASE).unwrap_or(job.lease_until);
            match self.jobs.renew(&job.id, &job.owner, until).await {
                Ok(Ok(())) => {}
                Ok(Err(_fenced)) => warn!(job.id = job.id.as_str(), "lost the claim on a job in hand"),
                Err(error) => {
                    warn!(
                        error = %error_chain(&error),
                        job.id = job.id.as_str(),
                        "could not renew a claim"
                    );
                }
            }
        }
    }

    /// Ends `job` as its plan and its parts say, or puts it off if the plan could not be carried out.
    pub(crate) async fn conclude(&self, job: Job, carried_out: Result<Parts, Later>) -> Result<(), Later> {
        let conclusion = job.plan.as_ref().map_or(Conclusion::Done, |plan| plan.conclusion);
        let (attempt, outcome) = match carried_out {
            Err(later) => (Attempt::Retryable(FailureKind::PartDelayed.into()), Err(later)),
            Ok(Parts { unsent }) => (conclusion.attempt(unsent), Ok(())),
        };
        let job = self.write(finish(job, attempt, ResendPolicy::Idempotent, self.clock.now())).await?;
        note_end(&job);
        outcome
    }

    /// Writes a job that is in hand.
    pub(crate) async fn write(&self, job: Job) -> Result<Job, Later> {
        let id = job.id.clone();
        match self.jobs.write(job).await {
            Ok(Ok(job)) => Ok(job),
            Ok(Err(_fenced)) => {
                warn!(job.id = id.as_str(), "someone else took over a job in hand");
                Err(Later { wait: LEASE })
            }
            Err(error) => Err(self.put_off(&error, &id)),
        }
    }

    pub(crate) fn put_off(&self, error: &StoreError, id: &JobId) -> Later {
        error!(error = %error_chain(error), job.id = id.as_str(), "put off a job: no table");
        Later::backoff(3, &self.random)
    }
}

/// Logs that a job ended, if it did.
pub(crate) fn note_end(job: &Job) {
    if job.state.is_settled() {
        info!(job.id = job.id.as_str(), job.state = ?job.state, attempts = job.attempts, "settled a job");
    }
}
