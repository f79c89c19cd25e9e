//! Handler of a task: long work of the engine after the ack, and its follow-up.
//! A task may run again after a crash; its follow-up is sent under a claim of its own.

use std::sync::Arc;

use herald::agent::{Engine, EngineError, Memory, Progress, TaskInput, TaskOutcome, TaskResponse, TaskRun};
use herald::aws::queue::TaskWork;
use herald::aws::table::ReferenceStore;
use herald::clock::elapsed_ms;
use herald::jobs::{Conclusion, Job, Part, Plan, ResendPolicy};
use herald::protocol::conversation::ConversationReference;
use herald::streaming::Stream;
use tracing::info;

use crate::MessageContext;
use crate::effects::Effects;
use crate::job::continuation::{Continuations, Continued};
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::job::plan::{JobPlan, cancelled_at};
use crate::memory::Memories;
use crate::retry::RetryIn;
use crate::sending::replace_ack::replace_ack;
use crate::sending::send::Sender;
use crate::sending::send_plan::{PlanSender, SendOutcome};
use crate::sending::target::{Pace, Route};
use crate::steps::RunSteps;
use crate::streaming::finish::StreamFinisher;
use crate::streaming::open::Streams;
use crate::streaming::run::{StreamRunner, stopped};

/// Runs tasks.
pub(crate) struct TaskHandler {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) jobs: Jobs,
    pub(crate) memories: Memories,
    pub(crate) effects: Effects,
    pub(crate) continuations: Continuations,
    pub(crate) references: ReferenceStore,
    pub(crate) steps: RunSteps,
    pub(crate) plans: PlanSender,
    pub(crate) sender: Sender,
    pub(crate) streams: Streams,
    pub(crate) stream_runner: StreamRunner,
    pub(crate) stream_finisher: StreamFinisher,
}

impl TaskHandler {
    /// Runs a task and sends its follow-up.
    pub(crate) async fn handle(&self, work: TaskWork, context: MessageContext) -> Result<(), RetryIn> {
        let asked_at = work.step.as_ref().map(|step| step.due).or(work.asked_at).or(context.sent_at);
        let context = context.asked_at(asked_at);
        let work = self.with_current_reference(work).await?;
        let claimed = match work.resumed_by() {
            Some(by) => self.jobs.claim_resumed(&work.job, by, &work.following_job(), context).await?,
            None => self.jobs.claim(&work.job, ResendPolicy::Idempotent, context).await?,
        };
        let job = match claimed {
            Claimed::Acquired(job) => job,
            Claimed::Completed(_) => {
                self.streams.release_for_task(&work).await;
                return self.continuations.unlist_waiting_task(&work).await;
            }
        };
        self.jobs.with_lease(&job, context, Box::pin(self.run(&work, job.clone(), context))).await
    }

    /// Returns the work of a resumed task with the reference as it is stored now: it may have waited for months. The user is
    /// still the one who asked.
    async fn with_current_reference(&self, work: TaskWork) -> Result<TaskWork, RetryIn> {
        if work.resumed_by().is_none() {
            return Ok(work);
        }
        let stored = self.references.get(&self.references.key(&work.reference)).await;
        let stored = stored.map_err(|error| self.jobs.retry_after_store_error(&error, &work.job))?;
        Ok(match stored {
            Some(stored) => {
                let user = work.reference.user.clone().or_else(|| stored.user.clone());
                TaskWork { reference: ConversationReference { user, ..stored }, ..work }
            }
            // The reference of a thread expires; sends to an inactive conversation fail with their reason.
            None => work,
        })
    }

    /// Runs a claimed task, sends its follow-up and continues or completes the job.
    async fn run(&self, work: &TaskWork, job: Job, context: MessageContext) -> Result<(), RetryIn> {
        if let Some(stream) = &work.stream {
            return Box::pin(self.run_streamed(work, stream, job, context)).await;
        }
        let (progress, for_run) = (Progress::default(), job.clone());
        let run = Box::pin(self.run_task(work, &for_run, &progress, context));
        let apology = Some(self.engine.failure_notice());
        let plan = JobPlan::replay_or_decide(&self.jobs, job, apology, run).await?;
        let plan = self.continuations.confirm_send(work, plan).await?;
        let plan = self.effects.apply_plan_effects(plan, &work.reference).await?;
        if plan.job.plan.as_ref().is_some_and(|plan| plan.replaces.is_some()) {
            let job = plan.persist(&self.jobs).await?;
            let shown = work.ack_activity.as_ref();
            let carried_out = replace_ack(&self.sender, &job, &work.reference, shown).await;
            return self.continue_or_finish(work, job, carried_out).await;
        }
        let route = Route::follow_up(&work.reference).at_pace(Pace::of(work.in_burst));
        match self.plans.send_plan(plan, route).await? {
            SendOutcome::Completed(_) => self.continuations.unlist_waiting_task(work).await,
            SendOutcome::InProgress(job, carried_out) => {
                self.continue_or_finish(work, *job, carried_out).await
            }
        }
    }

    /// Runs a task whose answer is streamed to `opened`.
    async fn run_streamed(
        &self,
        work: &TaskWork,
        opened: &Stream,
        job: Job,
        context: MessageContext,
    ) -> Result<(), RetryIn> {
        let (progress, for_run) = (Progress::default(), job.clone());
        let run = Box::pin(self.run_task(work, &for_run, &progress, context));
        let run = self.stream_runner.run_with_stream(work, opened, job, &progress, run);
        let (plan, stream) = Box::pin(run).await?;
        let plan = self.effects.apply_plan_effects(plan, &work.reference).await?;
        // Stored even where it is to send nothing, for it holds the state of the stream.
        let job = if plan.is_persisted { plan.job } else { self.jobs.write(plan.job).await? };
        let sent = Box::pin(self.stream_finisher.finish(&job, &work.reference, &stream)).await;
        if sent.is_ok() {
            self.streams.release_for_task(work).await;
        }
        match sent {
            Ok(Some(results)) => self.continue_or_finish(work, job, Ok(results)).await,
            // The user wants none of it, nor what would follow.
            Ok(None) => {
                let job = Job { plan: Some(stopped()), ..job };
                self.continue_or_finish(work, job, Ok(SendResults::default())).await
            }
            Err(retry) => self.continue_or_finish(work, job, Err(retry)).await,
        }
    }

    /// Enqueues the next step of a task whose messages are `sent`, if its plan has one, and completes the job.
    async fn continue_or_finish(
        &self,
        work: &TaskWork,
        mut job: Job,
        sent: Result<SendResults, RetryIn>,
    ) -> Result<(), RetryIn> {
        let carried_out = match sent {
            Ok(results) => {
                match Box::pin(self.continuations.enqueue_continuation(work, job.plan.as_ref())).await {
                    Ok(Continued::EnqueuedOrEnded) => Ok(results),
                    Ok(Continued::Waits(waits_for)) => {
                        // Kept as long as the task waits, so that a cancel finds it.
                        job.expires_at = job.expires_at.max(waits_for.until);
                        job.waits_for = Some(waits_for);
                        Ok(results)
                    }
                    Ok(Continued::SignalTaken) => {
                        job.plan = job.plan.map(|plan| Plan { conclusion: Conclusion::SignalTaken, ..plan });
                        let (id, route) = (job.id.part(Part::Apology, 0), Route::follow_up(&work.reference));
                        Box::pin(self.sender.send_all(&id, route, &[self.engine.failure_notice()])).await
                    }
                    Err(retry) => Err(retry),
                }
            }
            Err(retry) => Err(retry),
        };
        self.jobs.complete(job, carried_out).await
    }

    /// Runs the task in the engine and returns the plan of its outcome.
    async fn run_task(
        &self,
        work: &TaskWork,
        job: &Job,
        progress: &Progress,
        context: MessageContext,
    ) -> Result<Plan, EngineError> {
        let started_at = self.jobs.clock.now();
        let memory = match work.task.needs_memory {
            true => self.memories.load_memory(&work.reference).await,
            false => Memory::default(),
        };
        let run = TaskRun {
            task: work.task.clone(),
            idempotency_key: work.task_id(),
            reference: work.reference.clone(),
            state: work.step.as_ref().map(|step| step.state.0.clone()),
            number: work.number(),
            resumed_by: job.resumed_by.clone(),
            memory,
            steps: self.steps.of(job),
        };
        let call = self.engine.run_task(&run, progress);
        let response = cancelled_at(&self.jobs, &work.job, context.engine_until, call).await;
        let duration_ms = elapsed_ms(self.jobs.clock.as_ref(), started_at);
        info!(job.id = work.job.as_str(), task.name = work.task.name, duration_ms, "ran a task");
        let TaskResponse { outcome, effects } = response?;
        let plan = match outcome {
            TaskOutcome::Done(activities) => Plan::sends(activities),
            TaskOutcome::Replace(activity) => {
                Plan { replaces: work.ack.clone(), ..Plan::sends(vec![activity]) }
            }
            TaskOutcome::Continue { messages, state, after } => {
                self.continuations.plan_continuation(work, messages, TaskInput(state), after)
            }
            TaskOutcome::Wait { messages, signal, until, state } => {
                self.continuations.plan_wait(work, messages, TaskInput(state), signal, until)
            }
            TaskOutcome::Failed { message } => {
                Plan { conclusion: Conclusion::Declined, ..Plan::sends(vec![message]) }
            }
        };
        Ok(Plan { effects, ..plan })
    }
}
