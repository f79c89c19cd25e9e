//! Sends of a plan: an only one recorded inline in its job, several under claims of their own.
//! The caller enqueues what follows and completes the job.

use herald::jobs::{Attempt, Claim, Job, JobId, Plan, State, begin_send, end_send};
use jiff::Timestamp;
use tracing::warn;

use super::send::Sender;
use super::target::Route;
use crate::MessageContext;
use crate::job::lease::{Claimed, Jobs, LEASE, SendResults, log_completed};
use crate::job::plan::JobPlan;
use crate::retry::RetryIn;

/// Outcome of the sends of a plan.
pub(crate) enum SendOutcome {
    /// The job is completed with its send, and recorded.
    Completed(Box<Job>),
    /// The job is still claimed, to be completed after what follows.
    InProgress(Box<Job>, Result<SendResults, RetryIn>),
}

/// Carries out the sends of plans.
#[derive(Clone)]
pub(crate) struct PlanSender {
    pub(crate) jobs: Jobs,
    pub(crate) sender: Sender,
}

impl PlanSender {
    /// Returns the same with these jobs.
    pub(crate) fn with_jobs(&self, jobs: &Jobs) -> Self {
        Self { jobs: jobs.clone(), sender: Sender { jobs: jobs.clone(), ..self.sender.clone() } }
    }

    /// Sends the messages of a plan.
    pub(crate) async fn send_plan(&self, planned: JobPlan, route: Route<'_>) -> Result<SendOutcome, RetryIn> {
        if planned.job.plan.as_ref().is_some_and(|plan| plan.inline_send().is_some()) {
            return Box::pin(self.send_inline(planned, route)).await;
        }
        let job = planned.persist(&self.jobs).await?;
        let sends = job.plan.as_ref().map(|plan| plan.sends.as_slice()).unwrap_or_default();
        let results = Box::pin(self.sender.send_all(&job.id, route, sends)).await;
        Ok(SendOutcome::InProgress(Box::new(job), results))
    }

    /// Sends the only message of a plan, recorded inline in its job.
    ///
    /// ```text
    /// plan and claim ──► request ──► record and end; where something follows, the caller enqueues it before
    ///                ▲          ▲
    ///                └──────────┴─ crash here: repeated within the budget, or UNKNOWN
    /// ```
    async fn send_inline(&self, planned: JobPlan, route: Route<'_>) -> Result<SendOutcome, RetryIn> {
        let is_settled = planned.job.inline_send.as_ref().is_some_and(|send| send.state.is_settled());
        let job = match is_settled {
            true => planned.job,
            false => match self.reserve(route).await {
                Err(retry) => return Ok(SendOutcome::InProgress(Box::new(planned.job), Err(retry))),
                Ok(starts) => self.wait_until_due(planned, &starts).await?,
            },
        };
        let now = self.jobs.clock.now();
        match begin_send(job, route.policy, LEASE, now) {
            Claim::Acquired(job) => Box::pin(self.send_claimed(self.jobs.write(job).await?, route)).await,
            Claim::Completed(job) => Ok(conclude_inline(job)),
            Claim::GaveUp(job) => {
                let job = self.jobs.write(job).await?;
                let reason = job.inline_job().and_then(|send| send.reason()).unwrap_or_default();
                warn!(job.id = job.id.as_str(), "gave up on a send: {reason}");
                Ok(conclude_inline(job))
            }
            Claim::Held { until } => Err(RetryIn::after_lease(until, now)),
        }
    }

    async fn reserve(&self, route: Route<'_>) -> Result<Vec<Timestamp>, RetryIn> {
        let limits = &self.sender.limits;
        limits.reserve_conversation(route, 1).await
    }

    /// Waits until a send may go out; the plan is stored before a wait.
    async fn wait_until_due(&self, planned: JobPlan, starts: &[Timestamp]) -> Result<Job, RetryIn> {
        match starts.first() {
            Some(start) if *start > self.jobs.clock.now() => {
                let job = planned.persist(&self.jobs).await?;
                self.sender.limits.sleep_until(*start).await;
                Ok(job)
            }
            Some(_) | None => Ok(planned.job),
        }
    }

    /// Claims `id` together with its `plan` and sends its messages: an only message takes two writes.
    ///
    /// Where the record has a plan, that one is carried out. Returns the record where its state is known.
    pub(crate) async fn claim_and_send(
        &self,
        id: &JobId,
        plan: &Plan,
        route: Route<'_>,
        context: MessageContext,
    ) -> Result<Option<Job>, RetryIn> {
        let job = match self.jobs.claim_planned(id, plan, route.policy, context).await? {
            Claimed::Acquired(job) => job,
            Claimed::Completed(job) => return Ok(Some(job)),
        };
        let sends = async {
            match is_send_claimed(&job) {
                true => self.send_claimed(job.clone(), route).await,
                false => self.send_plan(JobPlan { job: job.clone(), is_persisted: true }, route).await,
            }
        };
        match self.jobs.with_lease(&job, context, Box::pin(sends)).await? {
            SendOutcome::Completed(job) => Ok(Some(*job)),
            SendOutcome::InProgress(job, carried_out) => {
                self.jobs.complete(*job, carried_out).await.map(|()| None)
            }
        }
    }

    /// Makes the only send of `job`, which is claimed with it.
    ///
    /// Where something follows, a send with a reply is not recorded yet: the write that completes the job records it.
    pub(crate) async fn send_claimed(&self, job: Job, route: Route<'_>) -> Result<SendOutcome, RetryIn> {
        let Some(activity) = job.plan.as_ref().and_then(Plan::inline_send).cloned() else {
            return Ok(conclude_inline(job));
        };
        let send = job.inline_job().unwrap_or_else(|| job.clone());
        let request = self.sender.send_in_time(route, &activity);
        let (attempt, retry) =
            Box::pin(self.sender.request(&send, route.target.reference(), route.policy, request)).await;
        let is_sent = matches!(attempt, Attempt::Sent(_));
        let job = end_send(job, attempt, route.policy, self.jobs.clock.now());
        if is_sent && job.state == State::Sending {
            return Ok(conclude_inline(job));
        }
        let job = self.jobs.record(job).await?;
        if job.state == State::Retry { Err(retry) } else { Ok(conclude_inline(job)) }
    }
}

/// Whether the claim of `job`, which the caller has just made with a plan, claimed its only send too.
pub(crate) fn is_send_claimed(job: &Job) -> bool {
    job.inline_send.as_ref().is_some_and(|send| send.state == State::Sending)
}

/// Returns the outcome of a job whose only send is completed.
fn conclude_inline(job: Job) -> SendOutcome {
    log_completed(&job);
    if job.state.is_settled() {
        return SendOutcome::Completed(Box::new(job));
    }
    let mut results = SendResults::default();
    job.inline_job().iter().for_each(|send| results.add(send));
    SendOutcome::InProgress(Box::new(job), Ok(results))
}
