//! From a claimed job to its plan: the stored one, or what the engine decides, which whoever carries it out stores.
//! What the engine is asked is said by `turns`, `tasks` and `deliveries`.

use herald::agent::EngineError;
use herald::jobs::{Attempt, Conclusion, FailureKind, Job, Plan, ResendPolicy, finish};
use herald::protocol::message_size::split_to_fit;
use tracing::error;

use crate::{Later, Worker};

/// How often the engine is asked about one job before it is given up, where it fails each time.
const MAX_RUNS: u32 = 3;

/// How often one job is taken up before it is given up, where each worker dies of it or beside it: most die of something
/// else. The queues would give it up after more.
const MAX_STARTS: u32 = 5;

/// A job in hand with its plan.
pub(crate) struct Planned {
    /// The job, which has a plan.
    pub(crate) job: Job,
    /// Whether its record has it: it does before anything of it is carried out.
    pub(crate) is_stored: bool,
}

impl Worker {
    /// `job` with its plan. `decide` asks the engine; it is not begun where a plan is stored, nor for a job that
    /// the engine never came back from. `someone_waits` for an answer, and is told when there will be none.
    pub(crate) async fn planned(
        &self,
        job: Job,
        someone_waits: bool,
        decide: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<Planned, Later> {
        if job.plan.is_some() {
            return Ok(Planned { job, is_stored: true });
        }
        let plan = if is_asked(&job) { self.ask(&job, decide).await? } else { None };
        let plan = plan.unwrap_or_else(|| {
            let notice = someone_waits.then(|| self.engine.failure_notice());
            Plan { conclusion: Conclusion::EngineFailed, ..Plan::sends(notice.into_iter().collect()) }
        });
        Ok(Planned { job: Job { plan: Some(divided(plan)), ..job }, is_stored: false })
    }

    /// The job with its plan stored; of a plan to do nothing there is nothing to replay.
    pub(crate) async fn stored(&self, planned: Planned) -> Result<Job, Later> {
        let Planned { job, is_stored } = planned;
        match job.plan.as_ref().is_none_or(Plan::is_empty) || is_stored {
            true => Ok(job),
            false => self.write(job).await,
        }
    }

    /// What the engine decides; nothing when it failed for the last time.
    async fn ask(
        &self,
        job: &Job,
        decide: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<Option<Plan>, Later> {
        match decide.await {
            Ok(plan) => Ok(Some(plan)),
            // The error's text may hold what a person wrote; the engine logs its own.
            Err(_) => {
                error!(job.id = job.id.as_str(), attempts = job.attempts, "the engine failed");
                if job.attempts >= MAX_RUNS {
                    return Ok(None);
                }
                let failed = Attempt::Retryable(FailureKind::EngineError.into());
                self.write(finish(job.clone(), failed, ResendPolicy::Idempotent, self.clock.now())).await?;
                Err(Later::backoff(job.attempts, &self.random))
            }
        }
    }
}

/// Whether the engine is asked about `job`: nothing is decided yet, and it may still come back from it.
pub(crate) fn is_asked(job: &Job) -> bool {
    job.plan.is_none() && job.attempts <= MAX_STARTS
}

/// The plan with messages that the channel takes, divided before it is stored: each is claimed and repeated by itself.
pub(crate) fn divided(plan: Plan) -> Plan {
    Plan { sends: plan.sends.into_iter().flat_map(split_to_fit).collect(), ..plan }
}
