//! The lines of a broadcast's report, one for each recipient, and counters of them by tenant.
//! The lines hold; the counters follow them and are counted anew should a worker die between the two.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{BroadcastStore, ends, pk};
use crate::aws::table::item::{Item, from_json, json, number, text};
use crate::aws::table::{StoreError, Table};
use crate::broadcast::{BroadcastId, Entry, Outcome, OutcomeCounts, tenant_key};

/// The parts that the lines are listed in.
pub const SLICES: u16 = 16;

/// What a key of a counter begins with.
const COUNTER: &str = "count#";

/// A page of lines.
#[derive(Debug)]
pub struct Entries {
    /// The lines.
    pub entries: Vec<Entry>,
    /// What the last one is found by; `None` on the last page.
    pub last: Option<String>,
}

/// How many recipients came to what, by the hash of their tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<String, OutcomeCounts>);

impl Counts {
    /// Of all tenants.
    #[must_use]
    pub fn total(&self) -> OutcomeCounts {
        let mut total = OutcomeCounts::default();
        self.0.values().for_each(|tally| total.add(tally));
        total
    }

    /// How many recipients of `tenant` are not on their way any more: they have an outcome that stays, or wait for
    /// their hour.
    #[must_use]
    pub fn done_or_deferred(&self, tenant: &str) -> u64 {
        self.0.get(tenant).map_or(0, |tally| tally.settled() + tally.of(Outcome::Deferred))
    }
}

impl BroadcastStore {
    /// Writes lines of the report of `id`, in place of those there are of the same deliveries, and counts them. What
    /// stays is not written over by what does not.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; writing them again is harmless.
    pub async fn record(
        &self,
        id: &BroadcastId,
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut changes: BTreeMap<String, OutcomeCounts> = BTreeMap::new();
        for entry in entries {
            if let Some(old) = self.put_entry(id, entry, now).await? {
                changes.entry(tenant_key(entry.who.tenant.as_ref())).or_default().count(old, entry.outcome);
            }
        }
        // One counter for the lines of one message, chosen by its first: many workers, no hot key.
        let shard = entries.first().map_or('0', |entry| slice_of(entry.job.as_str()));
        for (tenant, tally) in &changes {
            self.count(id, tenant, shard, tally, now).await?;
        }
        Ok(())
    }

    /// Writes one line; what stood there, where that has changed.
    async fn put_entry(
        &self,
        id: &BroadcastId,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Option<Option<Outcome>>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(slice_key(id, slice_of(entry.job.as_str()))))
            .item("sk", text(entry.job.as_str()))
            .item("entry", json(entry, "entry")?)
            .item("outcome", text(entry.outcome.name()))
            .item("settled", AttributeValue::Bool(entry.outcome.is_settled()))
            .item("ttl", number(ends(now)))
            .return_values(ReturnValue::AllOld);
        // Written once: a copy of the message, or one that comes late, changes nothing about what stays.
        let request = request
            .condition_expression("attribute_not_exists(pk) OR settled = :no")
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        match request.send().await {
            Ok(written) => {
                let old = written.attributes.as_ref().and_then(outcome);
                Ok((old != Some(entry.outcome)).then_some(old))
            }
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(None)
            }
            Err(error) => Err(StoreError::unavailable("put broadcast entry", error)),
        }
    }

    async fn count(
        &self,
        id: &BroadcastId,
        tenant: &str,
        shard: char,
        tally: &OutcomeCounts,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let changed: Vec<_> = tally.0.iter().filter(|(_, count)| **count != 0).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let Table { client, name } = &self.table;
        let mut request = client
            .update_item()
            .table_name(name)
            .key("pk", text(pk(id)))
            .key("sk", text(format!("{COUNTER}{tenant}#{shard}")))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(ends(now)));
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

    /// How many recipients came to what, as counted so far.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn counts(&self, id: &BroadcastId) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let mut next = None;
        loop {
            let Table { client, name } = &self.table;
            let request = client
                .query()
                .table_name(name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :counter)")
                .expression_attribute_values(":pk", text(pk(id)))
                .expression_attribute_values(":counter", text(COUNTER))
                .set_exclusive_start_key(next);
            let page = request.send().await.map_err(|error| StoreError::unavailable("read counts", error))?;
            for item in page.items() {
                let key = item.get("sk").and_then(|key| key.as_s().ok()).map(String::as_str);
                let tenant = key.and_then(|key| key.strip_prefix(COUNTER)?.split('#').next());
                counts.0.entry(tenant.unwrap_or_default().to_owned()).or_default().add(&counter(item));
            }
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(counts);
            }
        }
    }

    /// How many recipients came to what, counted anew from the lines.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn recount(&self, id: &BroadcastId) -> Result<OutcomeCounts, StoreError> {
        let mut tally = OutcomeCounts::default();
        for slice in 0..SLICES {
            let mut after = None;
            loop {
                let page = self.entries(id, slice, after, None).await?;
                page.entries.iter().for_each(|entry| tally.count(None, entry.outcome));
                after = page.last;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(tally)
    }

    /// A page of the lines in `slice`, at most `limit` of them.
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
        let Table { client, name } = &self.table;
        let digit = char::from_digit(u32::from(slice), u32::from(SLICES)).unwrap_or('0');
        let key = slice_key(id, digit);
        let start =
            after.map(|after| Item::from([("pk".to_owned(), text(&key)), ("sk".to_owned(), text(after))]));
        let request = client
            .query()
            .table_name(name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(&key))
            .set_limit(limit)
            .set_exclusive_start_key(start);
        let page = request.send().await.map_err(|error| StoreError::unavailable("list broadcast", error))?;
        let entries = page.items().iter().filter_map(|item| from_json(item, "entry").ok()).collect();
        let last = page.last_evaluated_key.and_then(|key| key.get("sk")?.as_s().ok().cloned());
        Ok(Entries { entries, last })
    }
}

fn slice_of(job: &str) -> char {
    job.chars().next().filter(char::is_ascii_hexdigit).unwrap_or('0')
}

fn slice_key(id: &BroadcastId, slice: char) -> String {
    format!("broadcast#{}#{slice}", id.as_str())
}

fn outcome(item: &Item) -> Option<Outcome> {
    let name = item.get("outcome")?.as_s().ok()?;
    Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
}

fn counter(item: &Item) -> OutcomeCounts {
    let count = |outcome: &Outcome| item.get(outcome.name())?.as_n().ok()?.parse().ok();
    OutcomeCounts(Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome, count(&outcome)?))).collect())
}
