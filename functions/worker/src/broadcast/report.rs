//! Entries of the report of a broadcast: one for each recipient.

use herald::agent::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::{JobStore, ReferenceStore, StoreError};
use herald::broadcast::{BroadcastId, Outcome, RecipientRef, ReportEntry};
use herald::jobs::{Job, State};

use super::circuit_breaker::CircuitBreaker;
use super::status::Broadcasts;
use crate::retry::RetryIn;

/// Makes and writes the entries of reports.
#[derive(Clone)]
pub(crate) struct Reports {
    pub(crate) broadcasts: Broadcasts,
    pub(crate) breaker: CircuitBreaker,
    pub(crate) jobs: JobStore,
    pub(crate) references: ReferenceStore,
}

impl Reports {
    /// Writes entries of the report, and records their outcomes in the circuit breaker.
    pub(crate) async fn write(&self, id: &BroadcastId, entries: &[ReportEntry]) -> Result<(), RetryIn> {
        let now = self.broadcasts.clock.now();
        let written = self.broadcasts.store.record(id, entries, now).await;
        written.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))?;
        for entry in entries {
            let failure = entry.failure.as_ref().filter(|failure| failure.systemic);
            let recorded = self.breaker.record_outcome(id, failure, entry.outcome, now).await;
            recorded.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))?;
        }
        Ok(())
    }

    /// Returns the entry of a started delivery, from its `record` or else from the table; `None` without a record.
    pub(crate) async fn report_entry(
        &self,
        delivery: &Delivery,
        record: Option<Job>,
    ) -> Result<Option<ReportEntry>, StoreError> {
        let job = match record {
            Some(job) => job,
            None => match self.jobs.get(&delivery.job).await? {
                Some(job) => job,
                None => return Ok(None),
            },
        };
        let send = match (job.inline_job(), &delivery.activity) {
            // An amendment has a claim of its own.
            (None, Some(_)) => self.jobs.get(&delivery.job.step("send", 0)).await?,
            (send, _) => send,
        };
        Ok(Some(self.entry_from_job(delivery, &job, send.as_ref())))
    }

    /// Returns the entry of a delivery from its job and, if it has one of its own, its send.
    fn entry_from_job(&self, delivery: &Delivery, job: &Job, send: Option<&Job>) -> ReportEntry {
        let decisive = send.filter(|_| !job.state.is_settled()).unwrap_or(job);
        let failure = decisive.failure();
        let outcome = match (job.state, send) {
            (State::Sent, None) => Outcome::Nothing,
            _ => Outcome::of(decisive.state, failure),
        };
        let mut entry = self.entry_with(delivery, outcome, None);
        entry.failure = failure.cloned();
        let activity = send.and_then(Job::shown_activity).or(job.shown_activity());
        // An amendment changes the activity of the amended delivery, which a later amendment changes again.
        let activity = activity.or(delivery.activity.as_ref()).cloned();
        entry.activity = activity.filter(|_| outcome == Outcome::Delivered);
        entry
    }

    /// Returns the entry of a delivery with this `outcome`.
    pub(crate) fn entry_with(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        note: Option<&str>,
    ) -> ReportEntry {
        ReportEntry {
            job: delivery.job.clone(),
            recipient: self.recipient_ref(&delivery.recipient),
            outcome,
            failure: None,
            note: note.map(str::to_owned),
            at: self.broadcasts.clock.now(),
            activity: None,
        }
    }

    /// Returns the reference of a recipient for the report.
    fn recipient_ref(&self, recipient: &Recipient) -> RecipientRef {
        let tenant = recipient.tenant().cloned();
        match recipient {
            Recipient::Conversation { reference } => RecipientRef {
                tenant,
                user: reference.person().map(|person| person.id),
                reference: Some(self.references.key(reference)),
                channel: None,
            },
            Recipient::User(user) => {
                RecipientRef { tenant, user: Some(user.id.clone()), ..RecipientRef::default() }
            }
            Recipient::Channel(channel) => {
                RecipientRef { tenant, channel: Some(channel.id.clone()), ..RecipientRef::default() }
            }
        }
    }
}
