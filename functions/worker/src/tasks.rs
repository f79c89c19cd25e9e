//! Tasks: long work, run once the user has been answered, and the follow-up it comes to.
//! A task may run again after a crash; its follow-up is sent under its own claim all the same.

use herald::engine::{EngineError, TaskOutcome};
use herald::ledger::{Job, Next, Plan, Policy, Verdict};
use herald::memory::Memory;
use herald::progress::Progress;
use herald::queue::TaskWork;
use herald::task::{TaskInput, TaskRun};
use jiff::Timestamp;
use tracing::info;

use crate::job::{Parts, Wanted};
use crate::send::Target;
use crate::{Later, Worker};

impl Worker {
    pub(crate) async fn task(&self, work: TaskWork) -> Result<(), Later> {
        let Wanted::InHand(job) = self.claim(&work.job, Policy::Work).await? else {
            return Ok(());
        };
        self.holding(&job, Box::pin(self.run(&work, job.clone()))).await
    }

    async fn run(&self, work: &TaskWork, job: Job) -> Result<(), Later> {
        let (job, plan) = self.planned(job, true, self.run_task(work)).await?;
        let carried_out = self.follow_up(work, &plan).await;
        self.conclude(job, plan.verdict, carried_out).await
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
        let step = work.step.as_ref();
        let run = TaskRun {
            task: work.task.clone(),
            idempotency_key: step.map_or_else(|| work.job.clone(), |step| step.task.clone()),
            reference: work.reference.clone(),
            state: step.map(|step| step.state.0.clone()),
            step: step.map_or(0, |step| step.number),
            memory: Memory::default(),
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
            TaskOutcome::Continue { say, state, after } => {
                let due = self.clock.now().checked_add(after).unwrap_or(Timestamp::MAX);
                Plan { next: Some(Next::Step { state: TaskInput(state), due }), ..Plan::sends(say) }
            }
            TaskOutcome::Failed { say } => Plan { verdict: Verdict::Declined, ..Plan::sends(vec![say]) },
            TaskOutcome::With { .. } => Plan::default(),
        };
        Ok(Plan { effects, ..plan })
    }
}
