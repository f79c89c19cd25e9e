//! Reminders: said when they are due, not before, and not after they were cancelled; then put down for the next time.
//! What was asked for and what of it is still wanted stands in the conversation's memory.

use herald::agent::Reminder;
use std::time::Duration;

use herald::agent::reminder::Listed;
use herald::aws::queue::{ReminderWork, WorkMessage};
use herald::error::error_chain;
use herald::jobs::{Conclusion, Job, JobId, Plan, ResendPolicy};
use herald::protocol::conversation::ConversationReference;
use jiff::Timestamp;
use tracing::error;

use crate::decide::{Planned, divided};
use crate::job::Wanted;
use crate::only::Said;
use crate::send::Route;
use crate::{Later, Worker};

impl Worker {
    /// Puts down the reminder that `job` asked for, as the effect with this `index`.
    ///
    /// ```text
    /// listed ──► queued      died in between: both are done again, and the second is the same as the first
    /// ```
    pub(crate) async fn remind(
        &self,
        job: &JobId,
        index: usize,
        reference: &ConversationReference,
        reminder: &Reminder,
    ) -> Result<(), Later> {
        let id = job.step("reminder", index);
        let work = ReminderWork {
            job: id.clone(),
            series: id.as_reminder(),
            number: 0,
            reference: reference.clone(),
            reminder: reminder.clone(),
        };
        if let Err(error) = WorkMessage::Reminder(work.clone()).encode() {
            // It will never fit.
            error!(error = %error_chain(&error), job.id = job.as_str(), "left out a reminder");
            return Ok(());
        }
        let listed = Listed::new(id.as_reminder(), reminder);
        self.remember(job, reference, |memory| memory.with_reminder(listed.clone())).await?;
        self.queue_at(job, WorkMessage::Reminder(work), reminder.due).await
    }

    /// Says a reminder that is due.
    pub(crate) async fn reminder(&self, work: ReminderWork) -> Result<(), Later> {
        let early = work.reminder.due.duration_since(self.clock.now());
        if let Some(wait) = Duration::try_from(early).ok().filter(|wait| !wait.is_zero()) {
            return Err(Later { wait });
        }
        match self.claim(&work.job, ResendPolicy::Idempotent).await? {
            Wanted::InHand(job) => {
                let said = self.say_reminder(&work, job.clone());
                self.holding(&job, Box::pin(said)).await
            }
            Wanted::Settled(_) => self.has_come(&work).await,
        }
    }

    /// ```text
    /// decided ──► the next put down ──► said ──► off the list, unless it comes back
    /// ```
    ///
    /// Whoever takes over after a crash does the same: the next is known by its number, and what is said by its claim.
    async fn say_reminder(&self, work: &ReminderWork, job: Job) -> Result<(), Later> {
        let reference = match self.still_wanted(work).await {
            Ok(reference) => reference,
            Err(later) => return self.conclude(job, Err(later)).await,
        };
        let planned = match (job.plan.is_some(), &reference) {
            (true, _) => Planned { job, is_stored: true },
            (false, wanted) => {
                let plan = match wanted {
                    Some(_) => Plan::sends(vec![work.reminder.say.clone()]),
                    None => Plan { conclusion: Conclusion::StoppedByUser, ..Plan::default() },
                };
                Planned { job: Job { plan: Some(divided(plan)), ..job }, is_stored: false }
            }
        };
        let is_wanted = planned.job.plan.as_ref().is_some_and(|plan| !plan.is_empty());
        let next = Listed::next(work.reminder.every.as_ref(), work.reminder.due, self.begun(&planned.job));
        let planned = match next.filter(|_| is_wanted) {
            None => planned,
            Some(due) => {
                let job = self.stored(planned).await?;
                match self.put_down_next(work, due).await {
                    Ok(()) => Planned { job, is_stored: true },
                    Err(later) => return self.conclude(job, Err(later)).await,
                }
            }
        };
        let route = Route::follow_up(reference.as_ref().unwrap_or(&work.reference));
        match self.send_plan(planned, route).await? {
            Said::Ended(_) => {}
            Said::InHand(job, carried_out) => self.conclude(*job, carried_out).await?,
        }
        match is_wanted {
            true => self.has_come(work).await,
            false => self.is_over(work).await,
        }
    }

    /// Where to say it; `None` where it was cancelled, or the conversation is over.
    async fn still_wanted(&self, work: &ReminderWork) -> Result<Option<ConversationReference>, Later> {
        let key = self.references.key(&work.reference);
        let memory = self.memories.get(&key, self.clock.now()).await;
        let memory = memory.map_err(|error| self.put_off(&error, &work.job))?;
        if memory.reminders.find(&work.series).is_none() {
            return Ok(None);
        }
        self.references.get(&key).await.map_err(|error| self.put_off(&error, &work.job))
    }

    async fn put_down_next(&self, work: &ReminderWork, due: Timestamp) -> Result<(), Later> {
        let number = work.number.saturating_add(1);
        let next = work.next_occurrence(number, due);
        let moved =
            |memory: herald::agent::memory::Memory| memory.with_next_reminder(&work.series, number, due);
        self.remember(&work.job, &work.reference, moved).await?;
        self.queue_at(&work.job, WorkMessage::Reminder(next), due).await
    }

    /// Takes what came off the list, unless it comes back.
    async fn has_come(&self, work: &ReminderWork) -> Result<(), Later> {
        if work.reminder.every.is_some() { Ok(()) } else { self.is_over(work).await }
    }

    async fn is_over(&self, work: &ReminderWork) -> Result<(), Later> {
        self.remember(&work.job, &work.reference, |memory| memory.without_reminder(&work.series)).await
    }
}
