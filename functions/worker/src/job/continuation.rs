//! Continuation of a task: its next step, recorded before it is enqueued, so that it can be cancelled while it waits.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Engine, Memory, SignalKey, TaskId, TaskInput, WaitingTask};
use herald::aws::queue::{CannotContinue, SignalEvent, SignalWork, TaskWork, WorkMessage};
use herald::jobs::signal::MAX_WAIT;
use herald::jobs::{FollowOn, JobId, Plan, WaitsFor, confirm_send, scheduled};
use herald::protocol::activity::Activity;
use jiff::Timestamp;
use tracing::{error, info};

use super::lease::{JOB_TTL, Jobs};
use super::plan::JobPlan;
use crate::memory::Memories;
use crate::retry::RetryIn;
use crate::signals::{Signals, Waiting};
use crate::timers::Timers;

/// Continues tasks, or completes them.
#[derive(Clone)]
pub(crate) struct Continuations {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) jobs: Jobs,
    pub(crate) memories: Memories,
    pub(crate) timers: Timers,
    pub(crate) signals: Signals,
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
            Err(refused) => self.refused(work, refused),
        }
    }

    /// Returns the plan of a task that waits for `signal` until `until`, or that ends with an apology because it cannot.
    pub(crate) fn plan_wait(
        &self,
        work: &TaskWork,
        messages: Vec<Activity>,
        state: TaskInput,
        signal: SignalKey,
        until: Timestamp,
    ) -> Plan {
        let latest = self.jobs.clock.now().checked_add(MAX_WAIT).unwrap_or(Timestamp::MAX);
        let is_valid = self.jobs.clock.now() < until && until <= latest;
        let checked = match is_valid {
            true => work.waiting_step(state.clone(), until).map(drop),
            false => Err(CannotContinue::InvalidUntil { until }),
        };
        match checked {
            Ok(()) => Plan { next: Some(FollowOn::Wait { state, signal, until }), ..Plan::sends(messages) },
            Err(refused) => self.refused(work, refused),
        }
    }

    /// Returns the plan of a task that cannot continue: an apology.
    fn refused(&self, work: &TaskWork, refused: CannotContinue) -> Plan {
        error!(job.id = work.job.as_str(), task.name = work.task.name, "a task cannot continue: {refused}");
        Plan { conclusion: refused.conclusion(), ..Plan::sends(vec![self.engine.failure_notice()]) }
    }

    /// Records the only send of a step as sent where the next step has a record, or waits for its signal: both are written
    /// after the send.
    pub(crate) async fn confirm_send(&self, work: &TaskWork, planned: JobPlan) -> Result<JobPlan, RetryIn> {
        let next = work.following_job();
        let is_confirmed = match planned.job.plan.as_ref().and_then(|plan| plan.next.as_ref()) {
            Some(FollowOn::Step { .. }) => self.jobs.is_confirmed_by(&planned.job, &next).await?,
            Some(FollowOn::Wait { signal, .. }) if planned.job.has_ambiguous_send() => {
                self.signals.is_registered(signal, &work.reference, &next).await?
            }
            Some(FollowOn::Wait { .. } | FollowOn::Task(_) | FollowOn::RetryWithoutDeadline) | None => false,
        };
        match is_confirmed {
            true => Ok(JobPlan { job: confirm_send(planned.job, self.jobs.clock.now()), ..planned }),
            false => Ok(planned),
        }
    }

    /// Enqueues the next step of a task, if its plan has one.
    ///
    /// ```text
    /// recorded ──► listed ──► enqueued      crash before the last: all three are replayed with the same result
    ///     └─► cancelled meanwhile: the task ends here
    /// ```
    pub(crate) async fn enqueue_continuation(
        &self,
        work: &TaskWork,
        plan: Option<&Plan>,
    ) -> Result<Continued, RetryIn> {
        match plan.and_then(|plan| plan.next.as_ref()) {
            Some(FollowOn::Step { state, due }) => self.enqueue_step(work, state, due).await?,
            Some(FollowOn::Wait { state, signal, until }) => {
                return Box::pin(self.wait_for_signal(work, state, signal, *until)).await;
            }
            // Neither follows from a task.
            Some(FollowOn::Task(_) | FollowOn::RetryWithoutDeadline) | None => {
                self.unlist_waiting_task(work).await?;
            }
        }
        Ok(Continued::EnqueuedOrEnded)
    }

    /// Enqueues the next step of a task.
    async fn enqueue_step(&self, work: &TaskWork, state: &TaskInput, due: &Timestamp) -> Result<(), RetryIn> {
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
        self.list_waiting_task(work, &next, due).await?;
        self.timers.enqueue_at(&work.job, WorkMessage::Task(next), due).await
    }

    /// Lets the next step of a task wait for a signal.
    ///
    /// ```text
    /// listed ──► not cancelled ──► registered ──► deadline stored      crash before the last: all four are replayed
    ///                                  └─► the signal came first: the step is queued instead
    /// ```
    ///
    /// The step has no record while it waits: a cancel finds it by what it waits for, in the record of this job.
    async fn wait_for_signal(
        &self,
        work: &TaskWork,
        state: &TaskInput,
        signal: &SignalKey,
        until: Timestamp,
    ) -> Result<Continued, RetryIn> {
        let (next, body) = match work.waiting_step(state.clone(), until) {
            Ok(waiting) => waiting,
            Err(refused) => {
                // Only where a newer bundle planned it.
                error!(job.id = work.job.as_str(), "a planned wait cannot be registered: {refused}");
                self.unlist_waiting_task(work).await?;
                return Ok(Continued::EnqueuedOrEnded);
            }
        };
        // Before the check, so that a cancel that is not seen by it finds the task listed.
        self.list_waiting_task(work, &next, until).await?;
        let existing = self.jobs.store.get(&next.job).await;
        let existing = existing.map_err(|error| self.jobs.retry_after_store_error(&error, &work.job))?;
        let is_over = existing.is_some_and(|step| step.state.is_settled());
        let waiting = match is_over {
            true => None,
            false => Some(self.signals.wait(signal, &next, body, until).await?),
        };
        match waiting {
            None | Some(Waiting::Taken) => {
                let task = next.job.as_task();
                self.unlist(work, &task).await?;
            }
            Some(Waiting::Registered) => {
                let event = SignalEvent::Deadline { job: next.job.clone(), until };
                let tenant = next.reference.tenant_id.clone();
                let deadline = SignalWork { key: signal.clone(), tenant, event };
                self.timers.enqueue_at(&work.job, WorkMessage::Signal(deadline), until).await?;
            }
            Some(Waiting::Resumed) => {}
        }
        Ok(match waiting {
            Some(Waiting::Taken) => Continued::SignalTaken,
            Some(Waiting::Registered | Waiting::Resumed) => {
                Continued::Waits(WaitsFor { signal: signal.clone(), until })
            }
            None => {
                info!(job.id = next.job.as_str(), "a task does not wait: its next step has ended");
                Continued::EnqueuedOrEnded
            }
        })
    }

    /// Lists the step `next` as waiting until `due`, if its task has a label.
    async fn list_waiting_task(
        &self,
        work: &TaskWork,
        next: &TaskWork,
        due: Timestamp,
    ) -> Result<(), RetryIn> {
        let Some(label) = &work.task.label else { return Ok(()) };
        let listed = WaitingTask {
            step: next.job.as_task(),
            task: next.task_id(),
            label: label.clone(),
            since: self.jobs.clock.now(),
            due,
            owner: work.reference.user.as_ref().map(|user| user.id.clone()),
        };
        let change = |memory: Memory| memory.with_waiting_task(listed.clone());
        self.memories.update_memory(&work.job, &work.reference, change).await
    }

    /// Removes a task that has ended from the list of waiting tasks, if its step was listed.
    pub(crate) async fn unlist_waiting_task(&self, work: &TaskWork) -> Result<(), RetryIn> {
        if work.step.is_none() { Ok(()) } else { self.unlist(work, &work.job.as_task()).await }
    }

    async fn unlist(&self, work: &TaskWork, task: &TaskId) -> Result<(), RetryIn> {
        if work.task.label.is_none() {
            return Ok(());
        }
        self.memories.update_memory(&work.job, &work.reference, |memory| memory.without_task(task)).await
    }
}

/// What followed from the plan of a task.
pub(crate) enum Continued {
    /// The next step is enqueued, or none follows.
    EnqueuedOrEnded,
    /// The next step waits for a signal.
    Waits(WaitsFor),
    /// Another task waits or waited for the signal.
    SignalTaken,
}
