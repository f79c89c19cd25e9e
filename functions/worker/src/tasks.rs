//! Tasks: long work, run once the user has been answered, and the follow-up it comes to.
//! A task may run again after a crash; its follow-up is sent under its own claim all the same.

use herald::engine::TaskOutcome;
use herald::ledger::{Job, Plan, Policy, Verdict};
use herald::queue::TaskWork;
use herald::task::TaskRun;
use tracing::info;

use crate::job::MAX_RUNS;
use crate::send::Target;
use crate::{Later, Worker};

impl Worker {
    pub(crate) async fn task(&self, work: TaskWork) -> Result<(), Later> {
        let Some(job) = self.claim(&work.job, Policy::Work).await? else {
            return Ok(());
        };
        self.holding(&job, Box::pin(self.run(&work, job.clone()))).await
    }

    async fn run(&self, work: &TaskWork, job: Job) -> Result<(), Later> {
        let (job, plan) = match job.plan.clone() {
            Some(plan) => (job, plan),
            None if job.attempts > MAX_RUNS => {
                let plan = self.given_up(true);
                (self.store_plan(job, plan.clone()).await?, plan)
            }
            None => match self.run_task(work, &job).await {
                Ok(plan) => (self.store_plan(job, plan.clone()).await?, plan),
                Err(later) => return self.conclude(job, Verdict::Done, Err(later)).await,
            },
        };
        let target = Target::Conversation(&work.reference);
        let carried_out = self.send_all(&work.job, target, &plan.sends, Policy::FollowUp).await;
        self.conclude(job, plan.verdict, carried_out).await
    }

    async fn run_task(&self, work: &TaskWork, job: &Job) -> Result<Plan, Later> {
        let begun = self.clock.now();
        let run = TaskRun { task: work.task.clone(), idempotency_key: work.job.clone() };
        let outcome = self.engine.run_task(&run).await;
        let duration_ms = self.clock.now().duration_since(begun).as_millis();
        info!(job.id = job.id.as_str(), task.name = work.task.name, duration_ms, "ran a task");
        match outcome {
            Ok(TaskOutcome::Done(activities)) => Ok(Plan::sends(activities)),
            Ok(TaskOutcome::Failed { say }) => {
                Ok(Plan { verdict: Verdict::Declined, ..Plan::sends(vec![say]) })
            }
            Err(error) => self.after_failure(error, job, true),
        }
    }
}
