//! Signals: tasks that wait for them, and the runs that they or their deadlines resume.
//! The record of the key decides; `herald::jobs::signal` has the rules.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{ResumedBy, SignalData, SignalKey, SignalSource};
use herald::aws::queue::{Queue, SignalEvent, SignalWork, TaskWork, WorkMessage};
use herald::aws::table::{Answered, Expired, SignalStore, StoreError, Waited};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::signal::{Payload, Resumption, SignalName, Waiter};
use herald::jobs::{JobId, Part};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use jiff::Timestamp;
use tracing::{error, info};

use crate::retry::RetryIn;

/// Registers tasks that wait, and delivers signals.
#[derive(Clone)]
pub(crate) struct Signals {
    pub(crate) store: SignalStore,
    pub(crate) tasks: Queue,
    /// The agent's own tenant, of conversations and signals that name none.
    pub(crate) own_tenant: TenantId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

impl Signals {
    /// Registers the run `next` as waiting for `key`; one whose signal came first is queued at once. Returns whether it is
    /// registered: another task may wait or have waited with the same key.
    pub(crate) async fn wait(
        &self,
        key: &SignalKey,
        next: &TaskWork,
        body: String,
        until: Timestamp,
    ) -> Result<Waiting, RetryIn> {
        let name = self.name(next.reference.tenant_id.as_ref(), key);
        let waiter = Waiter { job: next.job.clone(), until, work: body };
        let waited = self.store.wait(&name, &waiter, self.clock.now()).await;
        Ok(match waited.map_err(|error| self.retry(&error, &name))? {
            Waited::Waiting => Waiting::Registered,
            Waited::Resumed(resumption) => {
                self.queue_resumed(&name, resumption).await?;
                Waiting::Resumed
            }
            Waited::Taken => {
                error!(
                    job.id = next.job.as_str(),
                    signal.hash = name.hash(),
                    "another task waits or waited for a signal"
                );
                Waiting::Taken
            }
        })
    }

    /// Whether the run `job` is registered as waiting for `key`, or was.
    pub(crate) async fn is_registered(
        &self,
        key: &SignalKey,
        reference: &ConversationReference,
        job: &JobId,
    ) -> Result<bool, RetryIn> {
        let name = self.name(reference.tenant_id.as_ref(), key);
        let signal = self.store.get(&name).await.map_err(|error| self.retry(&error, &name))?;
        Ok(signal.is_some_and(|signal| signal.waiter().is_some_and(|waiter| waiter.job == *job)))
    }

    /// Delivers a signal to the task that waits for it, or keeps it for the task.
    ///
    /// ```text
    /// record written ──► run queued      crash in between: the signal is received again, and finds its own write
    /// ```
    pub(crate) async fn deliver(
        &self,
        key: &SignalKey,
        tenant: Option<&TenantId>,
        payload: &Payload,
    ) -> Result<(), RetryIn> {
        let name = self.name(tenant, key);
        let answered = self.store.deliver(&name, payload, self.clock.now()).await;
        let answer = match answered.map_err(|error| self.retry(&error, &name))? {
            Answered::Delivered(resumption) => {
                self.queue_resumed(&name, resumption).await?;
                "Delivered"
            }
            Answered::NoWaiter => "NoWaiter",
            Answered::AlreadyDelivered => "AlreadyDelivered",
        };
        info!(signal.id = payload.id, signal.hash = name.hash(), answer, "applied a signal");
        Ok(())
    }

    /// Resumes the run `job` by its deadline, if it waits still.
    pub(crate) async fn expire(
        &self,
        key: &SignalKey,
        tenant: Option<&TenantId>,
        job: &JobId,
    ) -> Result<(), RetryIn> {
        let (name, now) = (self.name(tenant, key), self.clock.now());
        match self.store.expire(&name, job, now).await.map_err(|error| self.retry(&error, &name))? {
            Expired::Resumed(resumption) => self.queue_resumed(&name, resumption).await,
            Expired::Early { until } => {
                Err(RetryIn::after(Duration::try_from(until.duration_since(now)).unwrap_or_default()))
            }
            Expired::Settled => Ok(()),
        }
    }

    /// Queues a signal of the engine, which is the effect of `job` with this `index`.
    pub(crate) async fn send(
        &self,
        job: &JobId,
        index: usize,
        reference: &ConversationReference,
        (key, data): (&SignalKey, &SignalData),
        at: Timestamp,
    ) -> Result<(), RetryIn> {
        if let Err(error) = data.check() {
            // It will never fit.
            error!(error = %error_chain(&error), job.id = job.as_str(), "skipped a signal");
            return Ok(());
        }
        let id = job.part(Part::Signal, index).as_str().to_owned();
        let payload = Payload { id, data: data.clone(), from: SignalSource::Engine, at };
        let event = SignalEvent::Sent(payload);
        let work = SignalWork { key: key.clone(), tenant: reference.tenant_id.clone(), event };
        self.queue(&WorkMessage::Signal(work), "could not queue a signal; job will be retried").await
    }

    /// Queues the run that was resumed. A copy of it finds its job claimed.
    async fn queue_resumed(&self, name: &SignalName, resumption: Resumption) -> Result<(), RetryIn> {
        let Resumption { waiter, by, at, .. } = resumption;
        let work = match WorkMessage::decode(&waiter.work) {
            Ok(WorkMessage::Task(work)) => work,
            Ok(
                WorkMessage::Turn(_)
                | WorkMessage::Deliveries(_)
                | WorkMessage::Effects(_)
                | WorkMessage::Reminder(_)
                | WorkMessage::Roster(_)
                | WorkMessage::KeepAlive(_)
                | WorkMessage::Signal(_),
            ) => {
                error!(job.id = waiter.job.as_str(), "the work of a waiting task is no task");
                return Err(RetryIn::DEFAULT);
            }
            Err(error) => {
                // Only where a newer bundle stored it.
                error!(error = %error_chain(&error), job.id = waiter.job.as_str(), "could not read a waiting task");
                return Err(RetryIn::DEFAULT);
            }
        };
        log_resumed(name, &waiter, &by);
        let work = WorkMessage::Task(work.resumed(by, at));
        self.queue(&work, "could not queue a resumed task; it will be retried").await
    }

    async fn queue(&self, work: &WorkMessage, failure: &'static str) -> Result<(), RetryIn> {
        self.tasks.send_delayed(work, Duration::ZERO).await.map_err(|error| {
            error!(error = %error_chain(&error), "{failure}");
            RetryIn::backoff(2, &self.random)
        })
    }

    fn name(&self, tenant: Option<&TenantId>, key: &SignalKey) -> SignalName {
        SignalName::new(tenant.unwrap_or(&self.own_tenant), key.clone())
    }

    fn retry(&self, error: &StoreError, name: &SignalName) -> RetryIn {
        let hash = name.hash();
        error!(error = %error_chain(error), signal.hash = hash, "could not reach the table; signal will be retried");
        RetryIn::backoff(3, &self.random)
    }
}

/// Result of [`Signals::wait`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The task waits.
    Registered,
    /// Its signal came first, and its run is queued.
    Resumed,
    /// Another task waits or waited with the same key.
    Taken,
}

fn log_resumed(name: &SignalName, waiter: &Waiter, by: &ResumedBy) {
    info!(job.id = waiter.job.as_str(), signal.hash = name.hash(), resumed_by = %by, "resumes a task");
}
