//! Records of deliveries: the job of a recipient is its entry of the report, in the slice of its broadcast.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::record::{NotedOutcome, Record, ReportPart};
use super::{Decision, JobStore};
use crate::aws::table::StoreError;
use crate::aws::table::item::Item;
use crate::aws::table::schema::{BROADCAST, JOB, SINGLE};
use crate::aws::table::versioned::{RecordKey, Updated, Versioned};
use crate::broadcast::{BroadcastId, Outcome, RecipientRef, ReportEntry};
use crate::jobs;
use crate::jobs::{Cancel, Defer, Job, JobId, Plan, State};
use crate::protocol::ids::ActivityId;

/// Record of one delivery of a broadcast, and what is known of it.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{DeliveryRecord, JobStore, StoreError};
/// use herald::broadcast::{BroadcastId, RecipientRef};
/// use herald::jobs::{Job, JobId};
///
/// async fn job(jobs: &JobStore, key: &str, delivery: &JobId) -> Result<Option<Job>, StoreError> {
///     let record = DeliveryRecord::new(&BroadcastId::of_key(key), delivery, RecipientRef::default());
///     jobs.of_delivery(record).get(delivery).await
/// }
/// ```
#[derive(Debug)]
pub struct DeliveryRecord {
    slice: String,
    job: JobId,
    recipient: RecipientRef,
    amends: Option<ActivityId>,
    is_rendered: bool,
    seen: Mutex<Seen>,
}

/// What a delivery became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Outcome before, if there was one.
    pub previous: Option<Outcome>,
    /// Entry of the report.
    pub entry: ReportEntry,
}

/// The record as last read or written.
#[derive(Debug, Default)]
struct Seen {
    /// The outcome before the first write; `None` until the record is read or written.
    previous: Option<Option<Outcome>>,
    part: Option<ReportPart>,
    entry: Option<ReportEntry>,
}

impl DeliveryRecord {
    /// Returns the record of the delivery `job` of `broadcast` to `recipient`.
    #[must_use]
    pub fn new(broadcast: &BroadcastId, job: &JobId, recipient: RecipientRef) -> Self {
        Self {
            slice: slice_key(broadcast, slice_of(job)),
            job: job.clone(),
            recipient,
            amends: None,
            is_rendered: false,
            seen: Mutex::default(),
        }
    }

    /// Returns the record of a delivery that changes the activity `amends`, if there is one.
    #[must_use]
    pub fn amending(self, amends: Option<ActivityId>) -> Self {
        Self { amends, ..self }
    }

    /// Returns the record without its plan if the content `is_rendered` from the spec in every attempt.
    #[must_use]
    pub fn rendered(self, is_rendered: bool) -> Self {
        Self { is_rendered, ..self }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobStore {
    /// Returns the store for the record of one delivery and the parts of its job.
    #[must_use]
    pub fn of_delivery(&self, delivery: DeliveryRecord) -> Self {
        Self { table: self.table.clone(), delivery: Some(Arc::new(delivery)) }
    }

    /// Returns what the delivery of this store became, as last read or written; `None` while it has no outcome.
    #[must_use]
    pub fn reported(&self) -> Option<Reported> {
        let seen = self.delivery.as_ref()?.seen();
        Some(Reported { previous: seen.previous.flatten(), entry: seen.entry.clone()? })
    }

    /// Ends the delivery `id` with this outcome and reason, without an attempt, unless it has ended or is attempted.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call returns what it became.
    pub async fn skip(
        &self,
        id: &JobId,
        outcome: Outcome,
        note: &str,
        now: Timestamp,
    ) -> Result<Cancel, StoreError> {
        let decide = |stored: Option<Job>| match jobs::skip(stored, id, now) {
            Cancel::Cancelled(job) => Decision::Write(job, ()),
            unchanged @ (Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) => Decision::Keep(unchanged),
        };
        let noted = |job: &Job| (job.state == State::Cancelled).then(|| noted(outcome, note));
        Ok(match self.update_as(id, &noted, decide(None), decide).await? {
            Updated::Written(job, ()) => Cancel::Cancelled(job),
            Updated::Kept(unchanged) => unchanged,
        })
    }

    /// Defers the delivery `id` until `due`: see [`jobs::defer`].
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call is harmless.
    pub async fn defer(
        &self,
        id: &JobId,
        due: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Defer, StoreError> {
        let decide = |stored: Option<Job>| match jobs::defer(stored, id, due, expires_at, now) {
            Defer::Deferred(job) => Decision::Write(job, ()),
            unchanged @ (Defer::Held { .. } | Defer::Completed(_)) => Decision::Keep(unchanged),
        };
        Ok(match self.update(id, decide(None), decide).await? {
            Updated::Written(job, ()) => Defer::Deferred(job),
            Updated::Kept(unchanged) => unchanged,
        })
    }

    /// Ends the delivery `id` as FAILED for this reason, without an attempt, unless it has a record.
    pub(in crate::aws::table) async fn fail_unattempted(
        &self,
        id: &JobId,
        note: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let decide = |stored: Option<Job>| match stored {
            None => Decision::Write(jobs::ended(id.clone(), State::Failed, now), ()),
            Some(_) => Decision::Keep(()),
        };
        self.update_as(id, &|_| Some(noted(Outcome::Failed, note)), decide(None), decide).await.map(drop)
    }

    /// Returns the key of the job `id`.
    pub(super) fn key(&self, id: &JobId) -> RecordKey {
        match &self.delivery {
            Some(delivery) => RecordKey { pk: delivery.slice.clone(), sk: id.as_str().to_owned().into() },
            None => RecordKey { pk: format!("{JOB}{}", id.as_str()), sk: SINGLE.into() },
        }
    }

    /// Returns the job as its record holds it, wherever the plan is stored.
    pub(super) fn as_stored(&self, job: Job) -> Job {
        let plan = job.plan.filter(|_| self.keeps_plan()).map(|plan| Plan { stored: None, ..plan });
        Job { plan, ..job }
    }

    /// Returns the record that a decision writes, with the outcome that `outcome_of` gives it.
    pub(super) fn record_of<W, K>(
        &self,
        decision: Decision<Job, W, K>,
        outcome_of: &(dyn Fn(&Job) -> Option<NotedOutcome> + Sync),
    ) -> Decision<Record, W, K> {
        match decision {
            Decision::Write(job, result) => {
                let part = self.part_of(&job, outcome_of);
                let record = Record { part, job, keeps_plan: self.keeps_plan(), json: String::new() };
                Decision::Write(record, result)
            }
            Decision::Keep(result) => Decision::Keep(result),
        }
    }

    /// Notes the stored record.
    pub(super) fn seen(&self, record: Record) -> Record {
        if let Some(delivery) = self.delivery.as_ref().filter(|delivery| delivery.job == record.job.id) {
            let outcome = record.part.as_ref().and_then(|part| Some(part.outcome.as_ref()?.outcome));
            let mut seen = delivery.seen();
            seen.previous.get_or_insert(outcome);
            seen.entry = record.entry();
            seen.part = record.part.clone();
        }
        record
    }

    /// Notes the record that was written.
    pub(super) fn written(&self, record: Record) -> Record {
        if let Some(delivery) = self.delivery.as_ref().filter(|delivery| delivery.job == record.job.id) {
            let mut seen = delivery.seen();
            seen.previous.get_or_insert(None);
            seen.entry = record.entry();
            seen.part = record.part.clone();
        }
        record
    }

    fn keeps_plan(&self) -> bool {
        self.delivery.as_ref().is_none_or(|delivery| !delivery.is_rendered)
    }

    /// Returns the attributes of the report beside `job`; `None` for a job that is no delivery.
    fn part_of(
        &self,
        job: &Job,
        outcome_of: &(dyn Fn(&Job) -> Option<NotedOutcome> + Sync),
    ) -> Option<ReportPart> {
        let delivery = self.delivery.as_ref().filter(|delivery| delivery.job == job.id)?;
        let (recipient, amends) = (delivery.recipient.clone(), delivery.amends.clone());
        let stored = delivery.seen().part.clone();
        let part = stored.unwrap_or(ReportPart { recipient, outcome: None, amends });
        let of_job = || {
            let outcome = Outcome::of_delivery(job, part.amends.is_some())?;
            Some(NotedOutcome { outcome, note: None })
        };
        let outcome = outcome_of(job).or_else(of_job).or_else(|| part.outcome.clone());
        Some(ReportPart { outcome, ..part })
    }
}

/// Returns the entry in an item of a slice; `None` for a delivery without an outcome, a part of one, and what is unreadable.
pub(in crate::aws::table) fn read_entry(item: &Item) -> Option<ReportEntry> {
    Record::decode(item).ok()?.entry()
}

/// Returns the slice of the report that has the delivery `job`.
pub(in crate::aws::table) fn slice_of(job: &JobId) -> char {
    job.as_str().chars().next().filter(char::is_ascii_hexdigit).unwrap_or('0')
}

/// Returns the partition key of a slice of the report.
pub(in crate::aws::table) fn slice_key(id: &BroadcastId, slice: char) -> String {
    format!("{BROADCAST}{}#{slice}", id.as_str())
}

fn noted(outcome: Outcome, note: &str) -> NotedOutcome {
    NotedOutcome { outcome, note: Some(note.to_owned()) }
}
