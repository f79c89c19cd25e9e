//! Entries of a broadcast's report, which are the records of its deliveries, and counts of them by tenant.
//!
//! The entries are authoritative; the counts follow them, and are recomputed after a worker crashed between the two writes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{BroadcastStore, expires_at, pk};
use crate::aws::table::item::{Item, number, parsed, string, text};
use crate::aws::table::jobs::{read_entry, slice_key, slice_of};
use crate::aws::table::schema::{COUNT, PK, PLANNED, SK, TTL};
use crate::aws::table::{DeliveryRecord, JobStore, Reported, StoreError, batch_write};
use crate::broadcast::{BroadcastId, Outcome, OutcomeCounts, RecipientRef, ReportEntry, tenant_key};
use crate::jobs::JobId;

/// Number of parts that the entries are listed in.
pub const SLICES: u16 = 16;

/// Page of entries.
#[derive(Debug)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<ReportEntry>,
    /// Where the next page starts; `None` on the last page.
    pub last: Option<String>,
}

/// Numbers of recipients, by the hash of their tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recipients per outcome.
    pub outcomes: BTreeMap<String, OutcomeCounts>,
    /// Planned recipients. A planner that crashed leaves some out; [`Broadcast::planned`](crate::broadcast::Broadcast::planned)
    /// has them all.
    pub planned: BTreeMap<String, u64>,
}

impl Counts {
    /// Returns the outcomes of all tenants together.
    #[must_use]
    pub fn total(&self) -> OutcomeCounts {
        let mut total = OutcomeCounts::default();
        self.outcomes.values().for_each(|counts| total.add(counts));
        total
    }

    /// Returns how many recipients of `tenant` are done or deferred.
    #[must_use]
    pub fn done_or_deferred(&self, tenant: &str) -> u64 {
        self.outcomes.get(tenant).map_or(0, |counts| counts.settled() + counts.of(Outcome::Deferred))
    }
}

impl BroadcastStore {
    /// Counts deliveries of `id` by the outcomes that their records have since `reported`.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call counts them twice, until the entries are counted again.
    pub async fn count_outcomes(
        &self,
        id: &BroadcastId,
        reported: &[Reported],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut changes: BTreeMap<String, OutcomeCounts> = BTreeMap::new();
        for Reported { previous, entry } in reported {
            if *previous != Some(entry.outcome) {
                let tenant = tenant_key(entry.recipient.tenant.as_ref());
                changes.entry(tenant).or_default().count(*previous, entry.outcome);
            }
        }
        // All entries of a message count in one shard, chosen by the first: many workers, no hot key.
        let shard = reported.first().map_or('0', |reported| slice_of(&reported.entry.job));
        for (tenant, counts) in &changes {
            self.count(id, tenant, shard, counts, now).await?;
        }
        Ok(())
    }

    /// Records and counts deliveries that fail because the record of their recipient cannot be read.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call is harmless.
    pub async fn record_unreadable(
        &self,
        id: &BroadcastId,
        deliveries: &[JobId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut reported = Vec::new();
        for job in deliveries {
            let record = DeliveryRecord::new(id, job, RecipientRef::default());
            let jobs = JobStore::new(self.table.clone()).of_delivery(record);
            jobs.fail_unattempted(job, "record is unreadable", now).await?;
            reported.extend(jobs.reported());
        }
        self.count_outcomes(id, &reported, now).await
    }

    /// Adds `counts` to the counts of `tenant` in `shard`.
    async fn count(
        &self,
        id: &BroadcastId,
        tenant: &str,
        shard: char,
        counts: &OutcomeCounts,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let changed: Vec<_> = counts.0.iter().filter(|(_, count)| **count != 0).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let mut request = self
            .table
            .update(pk(id), &format!("{COUNT}{tenant}#{shard}"))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", number(expires_at(now)));
        let mut adds = Vec::new();
        for (index, (outcome, count)) in changed.into_iter().enumerate() {
            request = request
                .expression_attribute_names(format!("#{index}"), outcome.name())
                .expression_attribute_values(format!(":{index}"), number(*count));
            adds.push(format!("#{index} :{index}"));
        }
        let request = request.update_expression(format!("SET #ttl = :ttl ADD {}", adds.join(", ")));
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("count broadcast", error))
    }

    /// Stores how many recipients of tenants are planned, by the hash of the tenant; replaces what was stored of them.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; some may be stored.
    pub async fn store_planned(
        &self,
        id: &BroadcastId,
        planned: &BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let items = planned.iter().map(|(tenant, count)| {
            let key = format!("{COUNT}{tenant}#{PLANNED}");
            let attributes = [
                (PK, text(pk(id))),
                (SK, text(key)),
                (PLANNED, number(*count)),
                (TTL, number(expires_at(now))),
            ];
            attributes.map(|(name, value)| (name.to_owned(), value)).into()
        });
        batch_write::put(&self.table, items.collect(), "store planned").await
    }

    /// Returns the numbers of recipients, as counted so far.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn counts(&self, id: &BroadcastId) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let mut next = None;
        loop {
            let request = self
                .table
                .query(pk(id))
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND begins_with(sk, :count)")
                .expression_attribute_values(":count", text(COUNT))
                .set_exclusive_start_key(next);
            let page = request.send().await.map_err(|error| StoreError::unavailable("read counts", error))?;
            for item in page.items() {
                let key = string(item, SK);
                let tenant = key.as_deref().and_then(|key| key.strip_prefix(COUNT)?.split('#').next());
                let tenant = tenant.unwrap_or_default().to_owned();
                match parsed(item, PLANNED) {
                    Some(planned) => drop(counts.planned.insert(tenant, planned)),
                    None => counts.outcomes.entry(tenant).or_default().add(&counter(item)),
                }
            }
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(counts);
            }
        }
    }

    /// Counts the recipients per outcome from the entries themselves.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn recount(&self, id: &BroadcastId) -> Result<OutcomeCounts, StoreError> {
        let mut counts = OutcomeCounts::default();
        for slice in 0..SLICES {
            counts.add(&self.recount_slice(id, slice).await?);
        }
        Ok(counts)
    }

    /// Counts the recipients per outcome of one slice from its entries.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn recount_slice(&self, id: &BroadcastId, slice: u16) -> Result<OutcomeCounts, StoreError> {
        self.count_slice(id, &[], slice).await
    }

    /// Returns a page of the entries in `slice`, at most `limit` of them.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn entries(
        &self,
        id: &BroadcastId,
        slice: u16,
        after: Option<String>,
        limit: Option<i32>,
    ) -> Result<Entries, StoreError> {
        let key = slice_key(id, digit(slice));
        let start =
            after.map(|after| Item::from([(PK.to_owned(), text(&key)), (SK.to_owned(), text(after))]));
        let request =
            self.table.query(key).consistent_read(true).set_limit(limit).set_exclusive_start_key(start);
        let page = request.send().await.map_err(|error| StoreError::unavailable("list broadcast", error))?;
        let entries = page.items().iter().filter_map(read_entry).collect();
        let last = page.last_evaluated_key.and_then(|key| string(&key, SK));
        Ok(Entries { entries, last })
    }

    /// Returns the entries in `slice` of the jobs from `first` to `last`.
    pub(super) async fn entries_between(
        &self,
        id: &BroadcastId,
        slice: u16,
        first: &JobId,
        last: &JobId,
    ) -> Result<Vec<ReportEntry>, StoreError> {
        let mut entries = Vec::new();
        let mut next = None;
        loop {
            let request = self
                .table
                .query(slice_key(id, digit(slice)))
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":first", text(first.as_str()))
                .expression_attribute_values(":last", text(last.as_str()))
                .set_exclusive_start_key(next);
            let page =
                request.send().await.map_err(|error| StoreError::unavailable("list broadcast", error))?;
            entries.extend(page.items().iter().filter_map(read_entry));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(entries);
            }
        }
    }
}

fn digit(slice: u16) -> char {
    char::from_digit(u32::from(slice), u32::from(SLICES)).unwrap_or('0')
}

fn counter(item: &Item) -> OutcomeCounts {
    let count = |outcome: &Outcome| parsed(item, outcome.name());
    OutcomeCounts(Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome, count(&outcome)?))).collect())
}
