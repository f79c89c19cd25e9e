//! Tasks: long work, run once the user has been answered, and the follow-up it comes to.
//! A task may run again after a crash; its follow-up is sent under its own claim all the same.

use herald::engine::{EngineError, TaskOutcome};
use herald::ledger::{Job, Plan, Policy, Verdict};
use herald::memory::Memory;
use herald::progress::Progress;
use herald::queue::TaskWork;
use herald::task::{TaskInput, TaskRun};
use tracing::info;

use crate::job::{Parts, Wanted};
use crate::send::Target;
use crate::{Later, Worker};

impl Worker {
    pub(crate) async fn task(&self, work: TaskWork) -> Result<(), Later> {
        let job = match self.claim(&work.job, Policy::Work).await? {
            Wanted::InHand(job) => job,
            Wanted::Settled(_) => return self.waits_no_longer(&work).await,
        };
        self.holding(&job, Box::pin(self.run(&work, job.clone()))).await
    }

    async fn run(&self, work: &TaskWork, job: Job) -> Result<(), Later> {
        let (job, plan) = self.planned(job, true, self.run_task(work)).await?;
        let carried_out = self.carry_out_task(work, &job, &plan).await;
        self.conclude(job, plan.verdict, carried_out).await
    }

    async fn carry_out_task(&self, work: &TaskWork, job: &Job, plan: &Plan) -> Result<Parts, Later> {
        self.take_effect(job, &work.reference, &plan.effects).await?;
        let parts = self.follow_up(work, plan).await?;
        self.carry_on(work, plan).await?;
        Ok(parts)
    }

    async fn follow_up(&self, work: &TaskWork, plan: &Plan) -> Result<Parts, Later> {
        if let (Some(ack), [activity]) = (&plan.replaces, plan.sends.as_slice()) {
            return self.replace(&work.job, &work.reference, ack, activity).await;
        }
        let target = Target::Conversation(&work.reference);
        self.send_all(&work.job, target, &plan.sends, Policy::FollowUp, false).await
    }

    async fn run_task(&self, work: &TaskWork) -> Result<Plan, EngineError> {
        let begun = self.clock.now();
        let memory = match work.task.recalls {
            true => self.recall(&work.reference).await,
            false => Memory::default(),
        };
        let run = TaskRun {
            task: work.task.clone(),
            idempotency_key: work.task_id().clone(),
            reference: work.reference.clone(),
            state: work.step.as_ref().map(|step| step.state.0.clone()),
            step: work.number(),
            memory,
        };
        let outcome = self.engine.run_task(&run, &Progress::default()).await;
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
