//! Plan of a claimed job: replayed from its record, or decided by the engine and stored before it is carried out.
//! Each handler decides how the engine is called.

use std::time::Duration;

use herald::agent::EngineError;
use herald::clock::timeout;
use herald::jobs::{Attempt, Conclusion, FailureKind, Job, JobId, Plan, ResendPolicy, finish};
use herald::protocol::activity::Activity;
use herald::protocol::message_split::split_to_fit;
use herald::protocol::text::without_stray_mentions;
use jiff::Timestamp;
use tracing::error;

use super::lease::Jobs;
use crate::retry::RetryIn;

/// Number of engine errors after which a job fails.
const MAX_ENGINE_FAILURES: u32 = 3;

/// Number of claims without a call of the engine that returned after which a job fails. Most crashes have another
/// cause; the queues allow more.
const MAX_CLAIMS: u32 = 5;

/// A claimed job with its plan.
pub(crate) struct JobPlan {
    /// The job, which has a plan.
    pub(crate) job: Job,
    /// Whether the record has the plan, as it must before anything of it is carried out.
    pub(crate) is_persisted: bool,
}

impl JobPlan {
    /// Returns `job` with the plan of its record, else with what `decide` answers.
    ///
    /// `decide` calls the engine; it is not polled where a plan is stored, nor for a job that no call of the engine
    /// ever returned for. The `apology` is sent where there will be no answer.
    pub(crate) async fn replay_or_decide(
        jobs: &Jobs,
        job: Job,
        apology: Option<Activity>,
        decide: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<Self, RetryIn> {
        if job.plan.is_some() {
            return Ok(Self { job, is_persisted: true });
        }
        let plan = if needs_engine(&job) { call_engine(jobs, &job, decide).await? } else { None };
        let plan = plan.unwrap_or_else(|| Plan {
            conclusion: Conclusion::EngineFailed,
            ..Plan::sends(apology.into_iter().collect())
        });
        Ok(Self { job: Job { plan: Some(normalize_messages(plan)), ..job }, is_persisted: false })
    }

    /// Stores the plan and returns the job; a plan to do nothing is not stored, for there is nothing to replay.
    pub(crate) async fn persist(self, jobs: &Jobs) -> Result<Job, RetryIn> {
        let Self { job, is_persisted } = self;
        match job.plan.as_ref().is_none_or(Plan::is_empty) || is_persisted {
            true => Ok(job),
            false => jobs.write(job).await,
        }
    }
}

/// Returns what the engine decides; `None` when it failed for the last time.
async fn call_engine(
    jobs: &Jobs,
    job: &Job,
    decide: impl Future<Output = Result<Plan, EngineError>>,
) -> Result<Option<Plan>, RetryIn> {
    match decide.await {
        Ok(plan) => Ok(Some(plan)),
        Err(failure) => {
            error!(
                job.id = job.id.as_str(),
                attempts = job.attempts,
                error = failure.loggable(),
                "the engine failed"
            );
            if job.attempts >= MAX_ENGINE_FAILURES {
                return Ok(None);
            }
            let failed = Attempt::Retryable(FailureKind::EngineError.into());
            jobs.write(finish(job.clone(), failed, ResendPolicy::Idempotent, jobs.clock.now())).await?;
            Err(RetryIn::backoff(job.attempts, &jobs.random))
        }
    }
}

/// Returns what a call of the engine without a time limit answers. One that still runs at `until` is cancelled, which
/// counts as a failure of the engine.
pub(crate) async fn cancelled_at<T>(
    jobs: &Jobs,
    id: &JobId,
    until: Option<Timestamp>,
    call: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let Some(until) = until else { return call.await };
    let left = Duration::try_from(until.duration_since(jobs.clock.now())).unwrap_or_default();
    let answered = timeout(jobs.clock.as_ref(), left, call).await;
    answered.unwrap_or_else(|| {
        error!(job.id = id.as_str(), "cancelled the engine: its function is about to end");
        Err(EngineError::public("it exceeded the time of its function"))
    })
}

/// Whether the engine is called for `job`: no plan is stored, and not too many workers died before one was.
pub(crate) fn needs_engine(job: &Job) -> bool {
    job.plan.is_none() && job.attempts <= MAX_CLAIMS
}

/// Returns the plan with messages that the channel accepts as they are meant: of a size that fits, and without mentions
/// that have no entity. They are split before the plan is stored, so that each part is claimed and repeated by itself.
pub(crate) fn normalize_messages(plan: Plan) -> Plan {
    let messages = plan.sends.into_iter().flat_map(split_to_fit).map(without_stray_mentions);
    Plan { sends: messages.collect(), ..plan }
}
