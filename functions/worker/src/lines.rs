//! The report's lines: what stands of one delivery in the report of its broadcast.
//! They are written by `broadcast`, once for each message.

use herald::agent::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::StoreError;
use herald::broadcast::{Outcome, RecipientRef, ReportEntry};
use herald::jobs::{Job, State};

use crate::Worker;

impl Worker {
    /// The report's line of a delivery that was begun, from its `record` or else from the table; `None` when nobody knows
    /// of it.
    pub(crate) async fn line(
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
            // A change of what is shown has a claim of its own.
            (None, Some(_)) => self.jobs.get(&delivery.job.step("send", 0)).await?,
            (send, _) => send,
        };
        Ok(Some(self.line_of_job(delivery, &job, send.as_ref())))
    }

    fn line_of_job(&self, delivery: &Delivery, job: &Job, send: Option<&Job>) -> ReportEntry {
        let decisive = send.filter(|_| !job.state.is_settled()).unwrap_or(job);
        let failure = decisive.failure();
        let outcome = match (job.state, send) {
            (State::Sent, None) => Outcome::Nothing,
            _ => Outcome::of(decisive.state, failure),
        };
        let mut line = self.line_of(delivery, outcome, None);
        line.failure = failure.cloned();
        let activity = send.and_then(Job::shown_activity).or(job.shown_activity()).cloned();
        line.activity = activity.filter(|_| outcome == Outcome::Delivered);
        line
    }

    /// The line of a delivery that came to `outcome`.
    pub(crate) fn line_of(&self, delivery: &Delivery, outcome: Outcome, note: Option<&str>) -> ReportEntry {
        ReportEntry {
            job: delivery.job.clone(),
            recipient: self.who(&delivery.recipient),
            outcome,
            failure: None,
            note: note.map(str::to_owned),
            at: self.clock.now(),
            activity: None,
        }
    }

    fn who(&self, recipient: &Recipient) -> RecipientRef {
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
