//! Item of one job; of a delivery with the attributes of its entry of the report.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::SignedDuration;

use crate::aws::table::StoreError;
use crate::aws::table::item::{Item, from_json, json, number, string, text};
use crate::aws::table::schema::TTL;
use crate::aws::table::versioned::Versioned;
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

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let retention = if self.part.is_some() { RETENTION_OF_DELIVERY } else { RETENTION };
        let expires_at = self.job.expires_at.checked_add(retention).unwrap_or(self.job.expires_at);
        let job = match self.keeps_plan {
            true => json(&self.job, "job")?,
            false => json(&Job { plan: None, ..self.job.clone() }, "job")?,
        };
        let put = put.item("job", job).item(TTL, number(expires_at.as_second()));
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
        Ok(Self { job: from_json(item, "job")?, part, keeps_plan: true })
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
