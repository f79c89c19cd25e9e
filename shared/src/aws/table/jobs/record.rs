//! Item of one job; of a delivery with the attributes of its entry of the report.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::SignedDuration;

use super::large_plan;
use crate::aws::table::item::{Item, encoded, from_json, json, number, string, text};
use crate::aws::table::schema::TTL;
use crate::aws::table::versioned::{RecordKey, Versioned};
use crate::aws::table::{StoreError, Table};
use crate::broadcast::{Outcome, RecipientRef, ReportEntry};
use crate::jobs::Job;
use crate::protocol::ids::ActivityId;

/// Retention of a record after its job expires.
///
/// It exceeds the retention of every copy of the message: 14 days in a queue and 14 in its dead-letter queue.
const RETENTION: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Retention of a delivery after it expires, as an entry of the report.
const RETENTION_OF_DELIVERY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Record of a job.
pub(super) struct Record {
    pub(super) job: Job,
    /// What the report needs beside the job of a delivery.
    pub(super) part: Option<ReportPart>,
    /// Whether the plan is stored; content of a spec is rendered again instead.
    pub(super) keeps_plan: bool,
    /// JSON of the job, once it is ready to be written.
    pub(super) json: String,
}

/// Attributes of a delivery beside its job.
#[derive(Debug, Clone, Default)]
pub(super) struct ReportPart {
    pub(super) recipient: RecipientRef,
    /// Last outcome; `None` until the first attempt has ended.
    pub(super) outcome: Option<NotedOutcome>,
    /// Activity that the delivery changes.
    pub(super) amends: Option<ActivityId>,
}

/// Outcome, with the reason for an operator where the job has none.
#[derive(Debug, Clone)]
pub(super) struct NotedOutcome {
    pub(super) outcome: Outcome,
    pub(super) note: Option<String>,
}

impl Record {
    fn ttl(&self) -> i64 {
        let retention = if self.part.is_some() { RETENTION_OF_DELIVERY } else { RETENTION };
        self.job.expires_at.checked_add(retention).unwrap_or(self.job.expires_at).as_second()
    }

    /// Returns the entry of the report; `None` where the delivery has no outcome yet.
    pub(super) fn entry(&self) -> Option<ReportEntry> {
        let ReportPart { recipient, outcome, amends } = self.part.as_ref()?;
        let NotedOutcome { outcome, note } = outcome.clone()?;
        Some(ReportEntry::of_delivery(&self.job, recipient.clone(), outcome, note, amends.as_ref()))
    }
}

impl Versioned for Record {
    const GET: &'static str = "get job";
    const PUT: &'static str = "put job";
    const MAX_ROUNDS: usize = 8;

    fn revision(&self) -> u64 {
        self.job.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { job: Job { revision, ..self.job }, ..self }
    }

    async fn prepare(self, table: &Table, key: &RecordKey) -> Result<Self, StoreError> {
        if !self.keeps_plan {
            let json = encoded(&Job { plan: None, ..self.job.clone() }, "job")?;
            return Ok(Self { json, ..self });
        }
        let ttl = self.ttl();
        let (job, json) = large_plan::spill(table, key, self.job, ttl).await?;
        Ok(Self { job, json, ..self })
    }

    async fn complete(self, table: &Table, key: &RecordKey) -> Result<Self, StoreError> {
        Ok(Self { job: large_plan::complete(table, key, self.job).await?, ..self })
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let put = put.item("job", text(&self.json)).item(TTL, number(self.ttl()));
        let Some(ReportPart { recipient, outcome, amends }) = &self.part else { return Ok(put) };
        let put = put.item("recipient", json(recipient, "recipient")?);
        let put = with(put, "amends", amends.as_ref().map(ActivityId::as_str));
        let Some(NotedOutcome { outcome, note }) = outcome else { return Ok(put) };
        let put = put.item("outcome", text(outcome.name()));
        Ok(with(put, "note", note.as_deref()))
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        let part = match item.contains_key("recipient") {
            true => Some(ReportPart {
                recipient: from_json(item, "recipient")?,
                outcome: outcome(item),
                amends: string(item, "amends").and_then(|id| ActivityId::new(id).ok()),
            }),
            false => None,
        };
        Ok(Self { job: from_json(item, "job")?, part, keeps_plan: true, json: String::new() })
    }
}

/// Adds an attribute that may be missing.
fn with(put: PutItemFluentBuilder, name: &str, value: Option<&str>) -> PutItemFluentBuilder {
    match value {
        Some(value) => put.item(name, text(value)),
        None => put,
    }
}

fn outcome(item: &Item) -> Option<NotedOutcome> {
    let name = string(item, "outcome")?;
    let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)?;
    Some(NotedOutcome { outcome, note: string(item, "note") })
}
