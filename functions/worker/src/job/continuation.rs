//! Continuation of a task: its next step, recorded before it is enqueued, so that it can be cancelled while it waits.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Engine, Memory, TaskInput, WaitingTask};
use herald::aws::queue::{TaskWork, WorkMessage};
use herald::jobs::{FollowOn, Job, JobId, Plan, confirm_send, scheduled};
use herald::protocol::activity::Activity;
use jiff::Timestamp;
use tracing::{error, info};

use super::lease::{JOB_TTL, Jobs, SendResults};
use super::plan::JobPlan;
use crate::memory::Memories;
use crate::retry::RetryIn;
use crate::timers::Timers;

/// Continues tasks, or completes them.
#[derive(Clone)]
pub(crate) struct Continuations {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) jobs: Jobs,
    pub(crate) memories: Memories,
    pub(crate) timers: Timers,
}

impl Continuations {
    /// Returns the plan of a task that continues in `after` with `state`, or that ends with an apology because it
    /// cannot.
    pub(crate) fn plan_continuation(
        &self,
        work: &TaskWork,
        messages: Vec<Activity>,
        state: TaskInput,
        after: Duration,
    ) -> Plan {
        let due = self.jobs.clock.now().checked_add(after).unwrap_or(Timestamp::MAX);
        match work.next_step(state.clone(), due) {
            Ok(_) => Plan { next: Some(FollowOn::Step { state, due }), ..Plan::sends(messages) },
            Err(refused) => {
                error!(
                    job.id = work.job.as_str(),
                    task.name = work.task.name,
                    "a task cannot continue: {refused}"
                );
                Plan { conclusion: refused.conclusion(), ..Plan::sends(vec![self.engine.failure_notice()]) }
            }
        }
    }

    /// Records the only send of a step as sent where the next step has a record: that is opened after the send.
    pub(crate) async fn confirm_send(&self, work: &TaskWork, planned: JobPlan) -> Result<JobPlan, RetryIn> {
        let plan = planned.job.plan.as_ref();
        let Some(FollowOn::Step { .. }) = plan.and_then(|plan| plan.next.as_ref()) else {
            return Ok(planned);
        };
        let next = JobId::of_task(&work.task_id()).task_step(work.number() + 1);
        match self.jobs.is_confirmed_by(&planned.job, &next).await? {
            true => Ok(JobPlan { job: confirm_send(planned.job, self.jobs.clock.now()), ..planned }),
            false => Ok(planned),
        }
    }

    /// Enqueues the next step of a task whose messages are `sent`, if its plan has one, and completes the job.
    pub(crate) async fn continue_or_finish(
        &self,
        work: &TaskWork,
        job: Job,
        sent: Result<SendResults, RetryIn>,
    ) -> Result<(), RetryIn> {
        let carried_out = match sent {
            Ok(results) => self.enqueue_continuation(work, job.plan.as_ref()).await.map(|()| results),
            Err(retry) => Err(retry),
        };
        self.jobs.complete(job, carried_out).await
    }

    /// Enqueues the next step of a task, if its plan has one.
    ///
    /// ```text
    /// recorded ──► listed ──► enqueued      crash before the last: all three are replayed with the same result
    ///     └─► cancelled meanwhile: the task ends here
    /// ```
    async fn enqueue_continuation(&self, work: &TaskWork, plan: Option<&Plan>) -> Result<(), RetryIn> {
        let Some(FollowOn::Step { state, due }) = plan.and_then(|plan| plan.next.as_ref()) else {
            return self.unlist_waiting_task(work).await;
        };
        let next = match work.next_step(state.clone(), *due) {
            Ok(next) => next,
            Err(refused) => {
                // Only where a newer bundle planned it.
                error!(job.id = work.job.as_str(), "a planned step cannot be enqueued: {refused}");
                return self.unlist_waiting_task(work).await;
            }
        };
        let (due, now) = (*due, self.jobs.clock.now());
        let expires_at = due.checked_add(JOB_TTL).unwrap_or(Timestamp::MAX);
        let after_next = JobId::of_task(&next.task_id()).task_step(next.number() + 1);
        let record = scheduled(next.job.clone(), after_next, due, expires_at, now);
        let opened = self.jobs.store.open(record).await;
        let existing = opened.map_err(|error| self.jobs.retry_after_store_error(&error, &work.job))?;
        if existing.state.is_settled() {
            let reason = existing.reason().unwrap_or_default();
            info!(job.id = next.job.as_str(), "a task does not continue: {reason}");
            return self.unlist_waiting_task(work).await;
        }
        if let Some(label) = &work.task.label {
            let listed = WaitingTask {
                step: next.job.as_task(),
                task: next.task_id(),
                label: label.clone(),
                since: now,
                due,
                owner: work.reference.user.as_ref().map(|user| user.id.clone()),
            };
            let change = |memory: Memory| memory.with_waiting_task(listed.clone());
            self.memories.update_memory(&work.job, &work.reference, change).await?;
        }
        self.timers.enqueue_at(&work.job, WorkMessage::Task(next), due).await
    }

    /// Removes a task that has ended from the list of waiting tasks, if its step was listed.
    pub(crate) async fn unlist_waiting_task(&self, work: &TaskWork) -> Result<(), RetryIn> {
        if work.step.is_none() || work.task.label.is_none() {
            return Ok(());
        }
        let task = work.job.as_task();
        self.memories.update_memory(&work.job, &work.reference, |memory| memory.without_task(&task)).await
    }
}
