//! Handler of a due reminder: delivers it unless it was cancelled, and schedules the next of its series.

use std::time::Duration;

use herald::agent::reminder::ScheduledReminder;
use herald::aws::queue::ReminderWork;
use herald::aws::table::ReferenceStore;
use herald::jobs::{Conclusion, Job, Plan, ResendPolicy};
use herald::protocol::conversation::ConversationReference;

use crate::MessageContext;
use crate::job::lease::{Claimed, Jobs};
use crate::job::plan::{JobPlan, normalize_messages};
use crate::memory::Memories;
use crate::reminders::Reminders;
use crate::retry::RetryIn;
use crate::sending::send_plan::{PlanSender, SendOutcome};
use crate::sending::target::Route;

/// Delivers reminders.
pub(crate) struct ReminderHandler {
    pub(crate) jobs: Jobs,
    pub(crate) memories: Memories,
    pub(crate) references: ReferenceStore,
    pub(crate) reminders: Reminders,
    pub(crate) plans: PlanSender,
}

impl ReminderHandler {
    /// Delivers a reminder, or retries it when it is due.
    pub(crate) async fn handle(&self, work: ReminderWork, context: MessageContext) -> Result<(), RetryIn> {
        let early = work.reminder.due.duration_since(self.jobs.clock.now());
        if let Some(wait) = Duration::try_from(early).ok().filter(|wait| !wait.is_zero()) {
            return Err(RetryIn::after(wait));
        }
        match self.jobs.claim(&work.job, ResendPolicy::Idempotent, context).await? {
            Claimed::Acquired(job) => {
                let delivered = self.deliver_reminder(&work, job.clone());
                self.jobs.with_lease(&job, context, Box::pin(delivered)).await
            }
            Claimed::Completed(_) => self.reminders.mark_delivered(&work).await,
        }
    }

    /// Sends a due reminder and schedules the next of its series.
    ///
    /// ```text
    /// decided ──► the next scheduled ──► sent ──► removed from the list, unless it recurs
    /// ```
    ///
    /// Another worker repeats this after a crash with the same result: the next reminder is identified by its number, and
    /// the message by its claim.
    async fn deliver_reminder(&self, work: &ReminderWork, job: Job) -> Result<(), RetryIn> {
        let reference = match self.active_conversation(work).await {
            Ok(reference) => reference,
            Err(retry) => return self.jobs.complete(job, Err(retry)).await,
        };
        let plan = match (job.plan.is_some(), &reference) {
            (true, _) => JobPlan { job, is_persisted: true },
            (false, active) => {
                let plan = match active {
                    Some(_) => Plan::sends(vec![work.reminder.message.clone()]),
                    None => Plan { conclusion: Conclusion::StoppedByUser, ..Plan::default() },
                };
                JobPlan { job: Job { plan: Some(normalize_messages(plan)), ..job }, is_persisted: false }
            }
        };
        let is_wanted = plan.job.plan.as_ref().is_some_and(|plan| !plan.is_empty());
        let started_at = self.jobs.first_started_at(&plan.job);
        let next = ScheduledReminder::next_due(work.reminder.every.as_ref(), work.reminder.due, started_at);
        let plan = match next.filter(|_| is_wanted) {
            None => plan,
            Some(due) => {
                let job = plan.persist(&self.jobs).await?;
                match self.reminders.schedule_next(work, due).await {
                    Ok(()) => JobPlan { job, is_persisted: true },
                    Err(retry) => return self.jobs.complete(job, Err(retry)).await,
                }
            }
        };
        let route = Route::follow_up(reference.as_ref().unwrap_or(&work.reference));
        match self.plans.send_plan(plan, route).await? {
            SendOutcome::Completed(_) => {}
            SendOutcome::InProgress(job, carried_out) => self.jobs.complete(*job, carried_out).await?,
        }
        match is_wanted {
            true => self.reminders.mark_delivered(work).await,
            false => self.reminders.remove_reminder(work).await,
        }
    }

    /// Returns the conversation of a reminder; `None` where the reminder was cancelled, or the conversation is inactive.
    async fn active_conversation(
        &self,
        work: &ReminderWork,
    ) -> Result<Option<ConversationReference>, RetryIn> {
        let memory = self.memories.get(&work.job, &work.reference).await?;
        if memory.reminders.find(&work.series).is_none() {
            return Ok(None);
        }
        let key = self.references.key(&work.reference);
        let known = async {
            match self.references.get(&key).await? {
                None if work.reference.conversation.is_thread() => {
                    // The reference of a thread expires; one that was suspended is still stored.
                    let is_stored = self.references.get_including_inactive(&key).await?.is_some();
                    Ok((!is_stored).then(|| work.reference.clone()))
                }
                known => Ok(known),
            }
        };
        known.await.map_err(|error| self.jobs.retry_after_store_error(&error, &work.job))
    }
}
