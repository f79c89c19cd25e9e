//! Tasks: long work, run once the user has been answered, and the follow-up it comes to.
//! A task may run again after a crash; its follow-up is sent under its own claim all the same.

use herald::engine::{EngineError, TaskOutcome};
use herald::ledger::{Job, Plan, Policy, Verdict};
use herald::progress::Progress;
use herald::queue::TaskWork;
use herald::task::TaskRun;
use tracing::info;

use crate::job::Wanted;
use crate::only::Said;
use crate::send::Route;
use crate::{Later, Worker};

impl Worker {
    pub(crate) async fn task(&self, work: TaskWork) -> Result<(), Later> {
        let Wanted::InHand(job) = self.claim(&work.job, Policy::Work).await? else {
            return Ok(());
        };
        self.holding(&job, Box::pin(self.run(&work, job.clone()))).await
    }

    async fn run(&self, work: &TaskWork, job: Job) -> Result<(), Later> {
        let planned = self.planned(job, true, self.run_task(work)).await?;
        if planned.job.plan.as_ref().is_some_and(|plan| plan.replaces.is_some()) {
            let job = self.stored(planned).await?;
            let carried_out = self.replace(&job, &work.reference).await;
            return self.conclude(job, carried_out).await;
        }
        match self.send_plan(planned, Route::follow_up(&work.reference)).await? {
            Said::Ended => Ok(()),
            Said::InHand(job, carried_out) => self.conclude(*job, carried_out).await,
        }
    }

    async fn run_task(&self, work: &TaskWork) -> Result<Plan, EngineError> {
        let begun = self.clock.now();
        let run = TaskRun { task: work.task.clone(), idempotency_key: work.job.clone() };
        let outcome = self.engine.run_task(&run, &Progress::default()).await;
        let duration_ms = self.clock.now().duration_since(begun).as_millis();
        info!(job.id = work.job.as_str(), task.name = work.task.name, duration_ms, "ran a task");
        Ok(match outcome? {
            TaskOutcome::Done(activities) => Plan::sends(activities),
            TaskOutcome::Replace(activity) => {
                Plan { replaces: work.ack.clone(), ..Plan::sends(vec![activity]) }
            }
            TaskOutcome::Failed { say } => Plan { verdict: Verdict::Declined, ..Plan::sends(vec![say]) },
        })
    }
}
