//! Tasks: long work, run once the user has been answered, and the follow-up it comes to.
//! A task may run again after a crash; its follow-up is sent under its own claim all the same.

use herald::agent::engine::{EngineError, TaskOutcome};
use herald::agent::memory::Memory;
use herald::agent::progress::Progress;
use herald::agent::task::{TaskInput, TaskRun};
use herald::aws::queue::TaskWork;
use herald::jobs::{Job, Plan, Policy, Verdict};
use tracing::info;

use crate::job::lease::Wanted;
use crate::sending::inline_send::Said;
use crate::sending::send::Route;
use crate::{Later, Worker};

impl Worker {
    pub(crate) async fn task(&self, work: TaskWork) -> Result<(), Later> {
        let job = match self.claim(&work.job, Policy::Work).await? {
            Wanted::InHand(job) => job,
            Wanted::Settled(_) => {
                self.end_stream_of(&work).await;
                return self.waits_no_longer(&work).await;
            }
        };
        self.holding(&job, Box::pin(self.run(&work, job.clone()))).await
    }

    async fn run(&self, work: &TaskWork, job: Job) -> Result<(), Later> {
        if let Some(stream) = &work.stream {
            return Box::pin(self.run_streamed(work, stream, job)).await;
        }
        let planned = self.planned(job, true, Box::pin(self.run_task(work, &Progress::default()))).await?;
        let planned = self.effected(planned, &work.reference).await?;
        if planned.job.plan.as_ref().is_some_and(|plan| plan.replaces.is_some()) {
            let job = self.stored(planned).await?;
            let carried_out = self.replace(&job, &work.reference).await;
            return self.go_on_or_end(work, job, carried_out).await;
        }
        match self.send_plan(planned, Route::follow_up(&work.reference)).await? {
            Said::Ended(_) => self.waits_no_longer(work).await,
            Said::InHand(job, carried_out) => self.go_on_or_end(work, *job, carried_out).await,
        }
    }

    pub(crate) async fn run_task(&self, work: &TaskWork, progress: &Progress) -> Result<Plan, EngineError> {
        let begun = self.clock.now();
        let memory = match work.task.recalls {
            true => self.recall(&work.reference).await,
            false => Memory::default(),
        };
        let run = TaskRun {
            task: work.task.clone(),
            idempotency_key: work.task_id(),
            reference: work.reference.clone(),
            state: work.step.as_ref().map(|step| step.state.0.clone()),
            step: work.number(),
            memory,
        };
        let outcome = self.engine.run_task(&run, progress).await;
        let duration_ms = self.clock.now().duration_since(begun).as_millis();
        info!(job.id = work.job.as_str(), task.name = work.task.name, duration_ms, "ran a task");
        let (outcome, effects) = outcome?.apart();
        let plan = match outcome {
            TaskOutcome::Done(activities) => Plan::sends(activities),
            TaskOutcome::Replace(activity) => {
                Plan { replaces: work.ack.clone(), ..Plan::sends(vec![activity]) }
            }
            TaskOutcome::Continue { say, state, after } => self.plan_step(work, say, TaskInput(state), after),
            TaskOutcome::Failed { say } => Plan { verdict: Verdict::Declined, ..Plan::sends(vec![say]) },
            TaskOutcome::With { .. } => Plan::default(),
        };
        Ok(Plan { effects, ..plan })
    }
}
