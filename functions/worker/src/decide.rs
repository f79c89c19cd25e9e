//! From a claimed job to its plan: the stored one, or what the engine decides, stored before it is carried out.
//! What the engine is asked is said by `turns`, `tasks` and `deliveries`.

use herald::connector::fitting;
use herald::engine::EngineError;
use herald::ledger::{Attempt, Job, Plan, Policy, Verdict, finish};
use tracing::error;

use crate::{Later, Worker};

/// How often the engine is asked about one job before it is given up.
const MAX_RUNS: u32 = 3;

impl Worker {
    /// `job` with its plan. `decide` asks the engine; it is not begun where a plan is stored, nor for a job that
    /// the engine never came back from. `someone_waits` for an answer, and is told when there will be none.
    pub(crate) async fn planned(
        &self,
        job: Job,
        someone_waits: bool,
        decide: impl Future<Output = Result<Plan, EngineError>>,
    ) -> Result<(Job, Plan), Later> {
        if let Some(plan) = job.plan.clone() {
            return Ok((job, plan));
        }
        let plan = if job.attempts > MAX_RUNS { None } else { self.ask(&job, decide).await? };
        let plan = plan.unwrap_or_else(|| {
            let apology = someone_waits.then(|| self.engine.apology());
            Plan { verdict: Verdict::GivenUp, ..Plan::sends(apology.into_iter().collect()) }
        });
        // Divided before it is stored: each message is claimed and repeated by itself.
        let plan = Plan { sends: plan.sends.into_iter().flat_map(fitting).collect(), ..plan };
        let job = self.write(Job { plan: Some(plan.clone()), ..job }).await?;
        Ok((job, plan))
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
                let failed = Attempt::NotDone("the engine failed".to_owned());
                self.write(finish(job.clone(), failed, Policy::Work, self.clock.now())).await?;
                Err(Later::backoff(job.attempts, &self.chance))
            }
        }
    }
}
