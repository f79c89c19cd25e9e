//! Steps: a task that goes on later, put down before it is queued, so that it can be cancelled while it waits.
//! When it may go on is the shared vocabulary's; what it does then, `tasks`'.

use herald::agent::{TaskInput, WaitingTask};
use std::time::Duration;

use herald::aws::queue::{TaskWork, WorkMessage};
use herald::error::error_chain;
use herald::jobs::timers::{QueueTarget, Timer};
use herald::jobs::{FollowOn, Job, JobId, Plan, scheduled};
use herald::protocol::activity::Activity;
use jiff::Timestamp;
use tracing::{error, info};

use crate::job::{EXPIRY, Parts};
use crate::{Later, Worker};

impl Worker {
    /// The plan of a task that wants to go on in `after` with `state`: it does, or it is told why it cannot.
    pub(crate) fn plan_step(
        &self,
        work: &TaskWork,
        say: Vec<Activity>,
        state: TaskInput,
        after: Duration,
    ) -> Plan {
        let due = self.clock.now().checked_add(after).unwrap_or(Timestamp::MAX);
        match work.next_step(state.clone(), due) {
            Ok(_) => Plan { next: Some(FollowOn::Step { state, due }), ..Plan::sends(say) },
            Err(refused) => {
                error!(
                    job.id = work.job.as_str(),
                    task.name = work.task.name,
                    "a task cannot go on: {refused}"
                );
                Plan { conclusion: refused.conclusion(), ..Plan::sends(vec![self.engine.failure_notice()]) }
            }
        }
    }

    /// Has a task whose word is said go on or end, as its plan says.
    pub(crate) async fn go_on_or_end(
        &self,
        work: &TaskWork,
        job: Job,
        said: Result<Parts, Later>,
    ) -> Result<(), Later> {
        let carried_out = match said {
            Ok(parts) => self.carry_on(work, job.plan.as_ref()).await.map(|()| parts),
            Err(later) => Err(later),
        };
        self.conclude(job, carried_out).await
    }

    /// ```text
    /// put down ──► listed ──► queued      died before queued: replayed, all three are the same again
    ///     └─► forbidden meanwhile: the task ends here
    /// ```
    async fn carry_on(&self, work: &TaskWork, plan: Option<&Plan>) -> Result<(), Later> {
        let Some(FollowOn::Step { state, due }) = plan.and_then(|plan| plan.next.as_ref()) else {
            return self.waits_no_longer(work).await;
        };
        let next = match work.next_step(state.clone(), *due) {
            Ok(next) => next,
            Err(refused) => {
                // Only where a newer bundle planned it.
                error!(job.id = work.job.as_str(), "a planned step cannot be queued: {refused}");
                return self.waits_no_longer(work).await;
            }
        };
        let (due, now) = (*due, self.clock.now());
        let expires_at = due.checked_add(EXPIRY).unwrap_or(Timestamp::MAX);
        let after_next = JobId::of_task(&next.task_id()).task_step(next.number() + 1);
        let record = scheduled(next.job.clone(), after_next, due, expires_at, now);
        let there = self.jobs.open(record).await.map_err(|error| self.put_off(&error, &work.job))?;
        if there.state.is_settled() {
            let reason = there.reason().unwrap_or_default();
            info!(job.id = next.job.as_str(), "a task does not go on: {reason}");
            return self.waits_no_longer(work).await;
        }
        if let Some(label) = &work.task.label {
            let listed = WaitingTask {
                step: next.job.as_task(),
                task: next.task_id(),
                label: label.clone(),
                since: now,
                due,
            };
            self.remember(&work.job, &work.reference, |memory| memory.with_waiting_task(listed.clone()))
                .await?;
        }
        self.queue_at(&work.job, WorkMessage::Task(next), due).await
    }

    /// Queues what follows from `job`, to be seen when it is due: out of its queue where that is soon enough, else off
    /// the agenda.
    pub(crate) async fn queue_at(&self, job: &JobId, work: WorkMessage, due: Timestamp) -> Result<(), Later> {
        let now = self.clock.now();
        let put_off = |cause: String| {
            error!(error = cause, job.id = job.as_str(), "could not queue what is to come later");
            Later::backoff(2, &self.random)
        };
        let body = work.encode().map_err(|error| put_off(error_chain(&error).to_string()))?;
        let item = Timer::new(QueueTarget::Tasks, body, due);
        match item.wait(now) {
            Some(wait) => {
                let queued = self.tasks.send_delayed_raw(item.body, wait).await;
                queued.map_err(|error| put_off(error_chain(&error).to_string()))
            }
            None => {
                let kept = self.timers.put(&item, now).await;
                kept.map_err(|error| put_off(error_chain(&error).to_string()))
            }
        }
    }

    /// Takes the task of `work`, which has ended, off the list of those that wait, if its step was on it.
    pub(crate) async fn waits_no_longer(&self, work: &TaskWork) -> Result<(), Later> {
        if work.step.is_none() || work.task.label.is_none() {
            return Ok(());
        }
        self.remember(&work.job, &work.reference, |memory| memory.without_task(&work.job.as_task())).await
    }
}
