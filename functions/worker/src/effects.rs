//! Effects of a response of the engine, applied before its messages are sent.
//! Each may be applied twice, because the plan is replayed after a crash.

use herald::agent::{Effect, Memory, TaskId, Topic, Zone};
use herald::aws::table::{PreferenceStore, ReferenceStore, Subscription, SubscriptionStore};
use herald::broadcast::preferences::{Preferences, Setting};
use herald::jobs::{Cancel, CancelledBy, Job, JobId, Part};
use herald::protocol::conversation::ConversationReference;
use jiff::Timestamp;
use tracing::info;

use crate::job::lease::Jobs;
use crate::job::plan::JobPlan;
use crate::memory::Memories;
use crate::reminders::Reminders;
use crate::retry::RetryIn;
use crate::signals::Signals;

/// Applies effects.
#[derive(Clone)]
pub(crate) struct Effects {
    pub(crate) jobs: Jobs,
    pub(crate) references: ReferenceStore,
    pub(crate) memories: Memories,
    pub(crate) preferences: PreferenceStore,
    pub(crate) subscriptions: SubscriptionStore,
    pub(crate) reminders: Reminders,
    pub(crate) signals: Signals,
}

impl Effects {
    /// Stores a plan with effects and applies them; its messages are left to send.
    pub(crate) async fn apply_plan_effects(
        &self,
        planned: JobPlan,
        reference: &ConversationReference,
    ) -> Result<JobPlan, RetryIn> {
        let plan = planned.job.plan.as_ref();
        let Some(effects) = plan.map(|plan| plan.effects.clone()).filter(|effects| !effects.is_empty())
        else {
            return Ok(planned);
        };
        let job = planned.persist(&self.jobs).await?;
        let at = self.jobs.first_started_at(&job);
        match self.apply(&job, reference, &effects, at).await {
            Ok(()) => Ok(JobPlan { job, is_persisted: true }),
            Err(retry) => self.jobs.complete(job, Err(retry)).await.and(Err(retry)),
        }
    }

    /// Applies the `effects` of `job` as of the moment `at`, which is the same in every replay.
    pub(crate) async fn apply(
        &self,
        job: &Job,
        reference: &ConversationReference,
        effects: &[Effect],
        at: Timestamp,
    ) -> Result<(), RetryIn> {
        for (index, effect) in effects.iter().enumerate() {
            match effect {
                Effect::Remember(exchange) => {
                    self.memories
                        .update_memory(&job.id, reference, |memory| memory.with_exchange(exchange.clone()))
                        .await?;
                }
                Effect::Forget => {
                    self.memories
                        .update_memory(&job.id, reference, |memory| memory.cleared_before(at))
                        .await?;
                }
                Effect::CancelTask { task } => self.cancel_task(&job.id, reference, task).await?,
                Effect::Signal { key, data } => {
                    self.signals.send(&job.id, index, reference, (key, data), at).await?
                }
                Effect::Remind(reminder) => {
                    self.reminders.schedule_reminder(&job.id, index, reference, reminder).await?
                }
                Effect::CancelReminder { reminder } => {
                    let change = |memory: Memory| memory.with_cancelled_reminder(reminder, at);
                    self.memories.update_memory(&job.id, reference, change).await?;
                }
                Effect::Subscribe { topic } => {
                    self.subscribe(&job.id, reference, topic, Subscription::On, at).await?;
                }
                Effect::Unsubscribe { topic } => {
                    self.subscribe(&job.id, reference, topic, Subscription::Off, at).await?;
                }
                Effect::Mute { topic } => {
                    let change =
                        |preferences: Preferences| preferences.set_muted(topic.as_ref(), Setting::Muted, at);
                    self.update_preferences(&job.id, reference, change).await?;
                }
                Effect::Unmute { topic } => {
                    let change = |preferences: Preferences| {
                        preferences.set_muted(topic.as_ref(), Setting::Unmuted, at)
                    };
                    self.update_preferences(&job.id, reference, change).await?;
                }
                Effect::QuietHours { hours } => {
                    let change = |preferences: Preferences| {
                        preferences.set_quiet_hours(*hours, Zone::of(reference), at)
                    };
                    self.update_preferences(&job.id, reference, change).await?;
                }
            }
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        topic: &Topic,
        subscription: Subscription,
        at: Timestamp,
    ) -> Result<(), RetryIn> {
        let subject = self.references.subject(reference);
        let stored = self.subscriptions.put(topic, &subject, subscription, at, self.jobs.clock.now()).await;
        stored.map_err(|error| self.jobs.retry_after_store_error(&error, job))
    }

    /// Applies `change` to the preferences of the user, or of the group in its chat.
    async fn update_preferences(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        change: impl Fn(Preferences) -> Preferences,
    ) -> Result<(), RetryIn> {
        let changed = self.preferences.change(self.references.subject(reference).as_str(), change).await;
        changed.map_err(|error| self.jobs.retry_after_store_error(&error, job))
    }

    /// Cancels `task`. Its id may be older than the step that waits now, which the memory of the conversation lists.
    async fn cancel_task(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        task: &TaskId,
    ) -> Result<(), RetryIn> {
        let now = self.jobs.clock.now();
        let memory = self.memories.get(job, reference).await?;
        let listed =
            memory.waiting.into_iter().find(|waiting| waiting.task == *task || waiting.step == *task);
        let is_listed = listed.is_some();
        let (task, step) =
            listed.map_or_else(|| (task.clone(), task.clone()), |listed| (listed.task, listed.step));
        let found = async {
            let (step, by) = (JobId::of_task(&step), CancelledBy::User);
            match self.jobs.store.cancel_task(&step, by, now).await? {
                // Listed without a record: it waits for a signal.
                None if is_listed => self.jobs.store.cancel_unrecorded(&step, by, now).await,
                found => Ok(found),
            }
        };
        match found.await.map_err(|error| self.jobs.retry_after_store_error(&error, job))? {
            Some(Cancel::Cancelled(cancelled)) => {
                info!(job.id = cancelled.id.as_str(), "cancelled a task for its user");
                self.cancel_sends(job, &cancelled.id, now).await?;
            }
            // It completes by itself, or is completed.
            Some(Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) | None => {}
        }
        self.memories.update_memory(job, reference, |memory| memory.without_task(&task)).await
    }

    /// Cancels the waiting sends of a cancelled job.
    async fn cancel_sends(&self, job: &JobId, cancelled: &JobId, now: Timestamp) -> Result<(), RetryIn> {
        for index in 0.. {
            let send =
                self.jobs.store.cancel(&cancelled.part(Part::Send, index), CancelledBy::User, now).await;
            if send.map_err(|error| self.jobs.retry_after_store_error(&error, job))?.is_none() {
                break;
            }
        }
        Ok(())
    }
}
