//! Effects: what the engine wants done besides what is said, done before it is said.
//! Each may be done twice, for the plan it stands in is replayed after a crash.

use herald::agent::{Effect, Memory, TaskId, Topic, Zone};
use herald::aws::queue::EffectsWork;
use herald::aws::table::Subscription;
use herald::broadcast::preferences;
use herald::broadcast::preferences::Preferences;
use herald::jobs::{Cancel, CancelledBy, Job, JobId, ResendPolicy, State};
use herald::protocol::conversation::ConversationReference;
use jiff::Timestamp;
use tracing::info;

use crate::decide::Planned;
use crate::job::{Parts, Wanted};
use crate::{Later, Worker};

impl Worker {
    /// What an answer in an HTTP response asked for.
    pub(crate) async fn effects(&self, work: EffectsWork) -> Result<(), Later> {
        let Wanted::InHand(job) = self.claim(&work.job, ResendPolicy::Idempotent).await? else {
            return Ok(());
        };
        let done = async {
            let at = work.at.unwrap_or_else(|| self.begun(&job));
            let done = self.take_effect(&job, &work.reference, &work.effects, at).await;
            self.conclude(job.clone(), done.map(|()| Parts::default())).await
        };
        self.holding(&job, Box::pin(done)).await
    }

    /// Does the effects of a plan, which is stored before; what is left to do is to say it.
    pub(crate) async fn effected(
        &self,
        planned: Planned,
        reference: &ConversationReference,
    ) -> Result<Planned, Later> {
        let plan = planned.job.plan.as_ref();
        let Some(effects) = plan.map(|plan| plan.effects.clone()).filter(|effects| !effects.is_empty())
        else {
            return Ok(planned);
        };
        let job = self.stored(planned).await?;
        let at = self.begun(&job);
        match self.take_effect(&job, reference, &effects, at).await {
            Ok(()) => Ok(Planned { job, is_stored: true }),
            Err(later) => self.conclude(job, Err(later)).await.and(Err(later)),
        }
    }

    /// Does the `effects` that `job` decided on at the moment `at`, the same in every replay.
    async fn take_effect(
        &self,
        job: &Job,
        reference: &ConversationReference,
        effects: &[Effect],
        at: Timestamp,
    ) -> Result<(), Later> {
        for (index, effect) in effects.iter().enumerate() {
            match effect {
                Effect::Remember(exchange) => {
                    self.remember(&job.id, reference, |memory| memory.with_exchange(exchange.clone()))
                        .await?;
                }
                Effect::Forget => {
                    self.remember(&job.id, reference, |memory| memory.cleared_before(at)).await?;
                }
                Effect::CancelTask { task } => self.cancel_task(&job.id, reference, task).await?,
                Effect::Remind(reminder) => self.remind(&job.id, index, reference, reminder).await?,
                Effect::CancelReminder { reminder } => {
                    let change = |memory: Memory| memory.with_cancelled_reminder(reminder, at);
                    self.remember(&job.id, reference, change).await?;
                }
                Effect::Subscribe { topic } => {
                    self.subscribe(&job.id, reference, topic, Subscription::On, at).await?;
                }
                Effect::Unsubscribe { topic } => {
                    self.subscribe(&job.id, reference, topic, Subscription::Off, at).await?;
                }
                Effect::Mute { topic } => {
                    let change =
                        |said: Preferences| said.set_muted(topic.as_ref(), preferences::Setting::Muted, at);
                    self.prefer(&job.id, reference, change).await?;
                }
                Effect::Unmute { topic } => {
                    let change =
                        |said: Preferences| said.set_muted(topic.as_ref(), preferences::Setting::Unmuted, at);
                    self.prefer(&job.id, reference, change).await?;
                }
                Effect::QuietHours { hours } => {
                    let change = |said: Preferences| said.set_quiet_hours(*hours, Zone::of(reference), at);
                    self.prefer(&job.id, reference, change).await?;
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
    ) -> Result<(), Later> {
        let key = self.references.key(reference);
        let kept = self.subscriptions.put(topic, &key, subscription, at, self.clock.now()).await;
        kept.map_err(|error| self.put_off(&error, job))
    }

    /// Makes `change` in what the person, or the group in its chat, wants to be spared.
    async fn prefer(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        change: impl Fn(Preferences) -> Preferences,
    ) -> Result<(), Later> {
        let changed = self.preferences.change(&self.references.subject(reference), change).await;
        changed.map_err(|error| self.put_off(&error, job))
    }

    /// Makes `change` in the conversation's memory.
    pub(crate) async fn remember(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        change: impl Fn(Memory) -> Memory,
    ) -> Result<(), Later> {
        let key = self.references.key(reference);
        let changed = self.memories.change(&key, self.clock.now(), change).await;
        changed.map_err(|error| self.put_off(&error, job))
    }

    /// Has `task` not go on. What it is called by may be older than the step that waits now, which the
    /// conversation's memory knows.
    async fn cancel_task(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        task: &TaskId,
    ) -> Result<(), Later> {
        let (key, now) = (self.references.key(reference), self.clock.now());
        let memory = self.memories.get(&key, now).await.map_err(|error| self.put_off(&error, job))?;
        let listed =
            memory.waiting.into_iter().find(|waiting| waiting.task == *task || waiting.step == *task);
        let (task, step) =
            listed.map_or_else(|| (task.clone(), task.clone()), |listed| (listed.task, listed.step));
        let found = self.jobs.cancel_task(&JobId::of_task(&step), CancelledBy::User, now).await;
        match found.map_err(|error| self.put_off(&error, job))? {
            Some(Cancel::Cancelled(cancelled)) => {
                info!(job.id = cancelled.id.as_str(), "cancelled a task for its user");
                self.cancel_sends(job, &cancelled.id, now).await?;
            }
            // It ends by itself, or has ended.
            Some(Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) | None => {}
        }
        self.remember(job, reference, |memory| memory.without_task(&task)).await
    }

    /// Ends the sends of a job that waited to be carried out further.
    async fn cancel_sends(&self, job: &JobId, cancelled: &JobId, now: Timestamp) -> Result<(), Later> {
        for index in 0.. {
            let send = self.jobs.cancel(&cancelled.step("send", index), CancelledBy::User, now).await;
            if send.map_err(|error| self.put_off(&error, job))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// When `job` was first in hand: the same in every replay.
    pub(crate) fn begun(&self, job: &Job) -> Timestamp {
        let first = job.history.iter().find(|entry| entry.state == State::Sending);
        first.map_or_else(|| self.clock.now(), |entry| entry.at)
    }
}
