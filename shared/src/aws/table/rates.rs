//! Reservations in the table, shared by all workers: of a tenant's sends, and of a conversation's.
//! What may be reserved is [`crate::rate_limit`]'s decision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;

use super::item::{Item, ONLY, from_json, json, number, text};
use super::{StoreError, Table};
use crate::hash;
use crate::rate_limit::{Rate, Reserved};

/// How often a reservation is decided anew when others reserve in between.
const MAX_ROUNDS: usize = 16;

/// Most records remembered, so that a process that lives long does not grow.
const MAX_REMEMBERED: usize = 1024;

/// The reservations of one agent.
#[derive(Debug, Clone)]
pub struct RateStore {
    table: Table,
    /// As each record was seen last: mostly as it still is, which saves the read before the write.
    seen: Arc<Mutex<HashMap<String, Record>>>,
}

#[derive(Debug, Clone, Default)]
struct Record {
    revision: u64,
    reserved: Reserved,
}

/// The pace allows nothing before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotYet {
    /// When to ask again.
    pub until: Timestamp,
}

/// What is shared between workers, by name.
#[derive(Debug, Clone, Copy)]
pub enum Shared<'a> {
    /// A tenant: the sends of broadcasts to it.
    Tenant(&'a str),
    /// A conversation, by the key of its reference.
    Conversation(&'a str),
}

impl RateStore {
    /// The reservations in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, seen: Arc::default() }
    }

    /// Reserves `count` sends, and says when each may go out: one write where nobody reserves at the same time.
    /// Where the first would have to wait longer than `patience`, nothing is reserved; it says when to ask again.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the sends may be reserved all the same, which costs their time.
    pub async fn reserve(
        &self,
        shared: Shared<'_>,
        rates: &[Rate],
        count: usize,
        now: Timestamp,
        patience: Duration,
    ) -> Result<Result<Vec<Timestamp>, NotYet>, StoreError> {
        let latest = now.checked_add(patience).unwrap_or(now);
        let decide = |reserved: &Reserved| {
            let (after, starts) = reserved.reserve(rates, count, now);
            match starts.first() {
                Some(first) if *first > latest => (None, Err(NotYet { until: *first })),
                _ => (Some(after), Ok(starts)),
            }
        };
        self.change(shared, decide).await
    }

    /// Has nothing go out before `until`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn pause(&self, shared: Shared<'_>, until: Timestamp) -> Result<(), StoreError> {
        self.change(shared, |reserved| (Some(reserved.paused(until)), ())).await
    }

    async fn change<T>(
        &self,
        shared: Shared<'_>,
        decide: impl Fn(&Reserved) -> (Option<Reserved>, T),
    ) -> Result<T, StoreError> {
        let pk = shared.pk();
        let mut record = self.seen().get(&pk).cloned().unwrap_or_default();
        for _ in 0..MAX_ROUNDS {
            let (reserved, decided) = decide(&record.reserved);
            let Some(reserved) = reserved else {
                self.remember(pk, record);
                return Ok(decided);
            };
            let next = Record { revision: record.revision + 1, reserved };
            match self.put(&pk, record.revision, &next).await? {
                None => {
                    self.remember(pk, next);
                    return Ok(decided);
                }
                Some(there) => record = there,
            }
        }
        Err(StoreError::Contended)
    }

    /// Writes `next` in place of the record with this revision; gives the one that is there instead.
    async fn put(&self, pk: &str, based_on: u64, next: &Record) -> Result<Option<Record>, StoreError> {
        let Table { client, name } = &self.table;
        let ends = next.reserved.ends_at().unwrap_or(Timestamp::UNIX_EPOCH);
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk))
            .item("sk", text(ONLY))
            .item("revision", number(next.revision))
            .item("reserved", json(&next.reserved, "reserved")?)
            .item("ttl", number(ends.as_second().saturating_add(3600)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // A record that is not there has ended: whatever was known of it counts no more.
        let request = request
            .condition_expression("attribute_not_exists(pk) OR revision = :based_on")
            .expression_attribute_values(":based_on", number(based_on));
        match request.send().await {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let PutItemError::ConditionalCheckFailedException(failed) = error.into_err() else {
                    return Ok(Some(Record::default()));
                };
                failed.item.as_ref().map(read).transpose()
            }
            Err(error) => Err(StoreError::unavailable("put reservation", error)),
        }
    }

    fn remember(&self, pk: String, record: Record) {
        let mut seen = self.seen();
        if seen.len() >= MAX_REMEMBERED {
            seen.clear();
        }
        seen.insert(pk, record);
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, Record>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared<'_> {
    fn pk(self) -> String {
        match self {
            Self::Tenant(id) => format!("rate#{}", hash::sha256(&[&id.to_ascii_lowercase()])),
            Self::Conversation(key) => format!("pace#{key}"),
        }
    }
}

fn read(item: &Item) -> Result<Record, StoreError> {
    let missing = StoreError::Unreadable { attribute: "revision", cause: None };
    let revision = item.get("revision").and_then(|value| value.as_n().ok()?.parse().ok()).ok_or(missing)?;
    Ok(Record { revision, reserved: from_json(item, "reserved")? })
}
