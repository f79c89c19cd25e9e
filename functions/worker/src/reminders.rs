//! Reminders: listed in the memory of their conversation, and enqueued for when they are due.
//! A due one is delivered by its handler.

use herald::agent::reminder::ScheduledReminder;
use herald::agent::{Memory, Reminder};
use herald::aws::queue::{ReminderWork, WorkMessage};
use herald::error::error_chain;
use herald::jobs::{JobId, Part};
use herald::protocol::conversation::ConversationReference;
use jiff::Timestamp;
use tracing::error;

use crate::memory::Memories;
use crate::retry::RetryIn;
use crate::timers::Timers;

/// Schedules reminders.
#[derive(Clone)]
pub(crate) struct Reminders {
    pub(crate) memories: Memories,
    pub(crate) timers: Timers,
}

impl Reminders {
    /// Schedules the reminder of `job`, which is its effect with this `index`.
    ///
    /// ```text
    /// listed ──► enqueued      crash in between: both are repeated with the same result
    /// ```
    pub(crate) async fn schedule_reminder(
        &self,
        job: &JobId,
        index: usize,
        reference: &ConversationReference,
        reminder: &Reminder,
    ) -> Result<(), RetryIn> {
        let id = job.part(Part::Reminder, index);
        let work = ReminderWork {
            job: id.clone(),
            series: id.as_reminder(),
            number: 0,
            reference: reference.clone(),
            reminder: reminder.clone(),
        };
        if let Err(error) = WorkMessage::Reminder(work.clone()).encode() {
            // It will never fit.
            error!(error = %error_chain(&error), job.id = job.as_str(), "skipped a reminder that fits no message");
            return Ok(());
        }
        let owner = reference.user.as_ref().map(|user| user.id.clone());
        let listed = ScheduledReminder::new(id.as_reminder(), reminder).owned_by(owner);
        self.memories.update_memory(job, reference, |memory| memory.with_reminder(listed.clone())).await?;
        self.timers.enqueue_at(job, WorkMessage::Reminder(work), reminder.due).await
    }

    /// Schedules the next reminder of a series.
    pub(crate) async fn schedule_next(&self, work: &ReminderWork, due: Timestamp) -> Result<(), RetryIn> {
        let number = work.number.saturating_add(1);
        let next = work.next_occurrence(number, due);
        let moved = |memory: Memory| memory.with_next_reminder(&work.series, number, due);
        self.memories.update_memory(&work.job, &work.reference, moved).await?;
        self.timers.enqueue_at(&work.job, WorkMessage::Reminder(next), due).await
    }

    /// Removes a delivered reminder from the list, unless it recurs.
    pub(crate) async fn mark_delivered(&self, work: &ReminderWork) -> Result<(), RetryIn> {
        if work.reminder.every.is_some() { Ok(()) } else { self.remove_reminder(work).await }
    }

    /// Removes a reminder from the list.
    pub(crate) async fn remove_reminder(&self, work: &ReminderWork) -> Result<(), RetryIn> {
        self.memories
            .update_memory(&work.job, &work.reference, |memory| memory.without_reminder(&work.series))
            .await
    }
}
