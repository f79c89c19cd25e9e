//! Store of rate limits, shared by all workers: one versioned record for each tenant and each conversation.
//!
//! [`crate::rate_limit`] decides when a send may go out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::Timestamp;

use super::item::{Item, from_json, json, missing, number, parsed};
use super::schema::{PACE, RATE, REVISION, SINGLE, TTL};
use super::versioned::{self, Decision, OnConflict, RecordKey, Updated, Versioned};
use super::{StoreError, Table};
use crate::hash;
use crate::rate_limit::{Rate, Reservations};

/// Retention of a record after its last reservation, in seconds.
const RETENTION_SECONDS: i64 = 3600;

/// Most cached records, so that a long-lived process does not grow.
const MAX_CACHED: usize = 1024;

/// Store of the rate limits of one agent.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use herald::aws::table::{RateKey, RateStore, StoreError};
/// use herald::rate_limit::CONVERSATION;
/// use jiff::Timestamp;
///
/// async fn slots(rates: &RateStore, conversation: &str, now: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
///     let key = RateKey::Conversation(conversation);
///     let reserved = rates.reserve(key, &CONVERSATION, 2, now, Duration::from_secs(5)).await?;
///     Ok(reserved.unwrap_or_default())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RateStore {
    table: Table,
    /// Records as last written or read: usually still current, which saves the read before the write.
    cache: Arc<Mutex<HashMap<String, Record>>>,
}

#[derive(Debug, Clone, Default)]
struct Record {
    revision: u64,
    reserved: Reservations,
}

/// The rate limit allows nothing before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSoon {
    /// Earliest time of another attempt.
    pub until: Timestamp,
}

/// Key of a rate limit.
#[derive(Debug, Clone, Copy)]
pub enum RateKey<'a> {
    /// A tenant: the sends of broadcasts to it.
    Tenant(&'a str),
    /// A conversation, by the key of its reference.
    Conversation(&'a str),
}

impl Versioned for Record {
    const GET: &'static str = "get reservation";
    const PUT: &'static str = "put reservation";
    const MAX_ROUNDS: usize = 16;
    const MAY_EXPIRE: bool = true;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let ends_at = self.reserved.ends_at().unwrap_or(Timestamp::UNIX_EPOCH);
        let ttl = number(ends_at.as_second().saturating_add(RETENTION_SECONDS));
        Ok(put.item("reserved", json(&self.reserved, "reserved")?).item(TTL, ttl))
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        let revision = parsed(item, REVISION).ok_or_else(|| missing(REVISION))?;
        Ok(Self { revision, reserved: from_json(item, "reserved")? })
    }
}

impl RateStore {
    /// Returns the store of rate limits in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, cache: Arc::default() }
    }

    /// Reserves `count` sends and returns when each may go out, in one write unless other workers interfere.
    ///
    /// Reserves nothing when the first would have to wait longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the sends may be reserved all the same, which wastes their time.
    pub async fn reserve(
        &self,
        key: RateKey<'_>,
        rates: &[Rate],
        count: usize,
        now: Timestamp,
        max_wait: Duration,
    ) -> Result<Result<Vec<Timestamp>, TooSoon>, StoreError> {
        let latest = now.checked_add(max_wait).unwrap_or(now);
        let decide = |reserved: &Reservations| {
            let (after, starts) = reserved.reserve(rates, count, now);
            match starts.first() {
                Some(first) if *first > latest => (None, Err(TooSoon { until: *first })),
                _ => (Some(after), Ok(starts)),
            }
        };
        self.change(key, decide).await
    }

    /// Reserves nothing before `until`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn pause(&self, key: RateKey<'_>, until: Timestamp) -> Result<(), StoreError> {
        self.change(key, |reserved| (Some(reserved.paused(until)), ())).await
    }

    /// Returns the time before which no send goes out; `None` where the rate is not paused at `now`. It is read from the
    /// table, so that a pause by another worker holds at once.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn pause_of(&self, key: RateKey<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let key = RecordKey { pk: key.pk(), sk: SINGLE.into() };
        let record: Option<Record> = versioned::read(&self.table, &key).await?;
        let record = record.unwrap_or_default();
        self.cache().insert(key.pk, record.clone());
        Ok(record.reserved.pause_at(now))
    }

    /// Returns the time before which no send goes out, as far as this process knows.
    #[must_use]
    pub fn known_pause_of(&self, key: RateKey<'_>, now: Timestamp) -> Option<Timestamp> {
        self.cache().get(&key.pk())?.reserved.pause_at(now)
    }

    async fn change<T>(
        &self,
        key: RateKey<'_>,
        decide: impl Fn(&Reservations) -> (Option<Reservations>, T),
    ) -> Result<T, StoreError> {
        let key = RecordKey { pk: key.pk(), sk: SINGLE.into() };
        let decide = |stored: Option<Record>| {
            let record = stored.unwrap_or_default();
            match decide(&record.reserved) {
                (Some(reserved), result) => Decision::Write(Record { reserved, ..record }, result),
                (None, result) => Decision::Keep((record, result)),
            }
        };
        let cached = self.cache().get(&key.pk).cloned();
        let first = decide(cached);
        let updated = versioned::update(&self.table, &key, OnConflict::ReturnedByWrite, first, decide);
        let (Updated::Written(record, result) | Updated::Kept((record, result))) = updated.await?;
        let mut cache = self.cache();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(key.pk, record);
        Ok(result)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateKey<'_> {
    fn pk(self) -> String {
        match self {
            Self::Tenant(id) => format!("{RATE}{}", hash::sha256(&[&id.to_ascii_lowercase()])),
            Self::Conversation(key) => format!("{PACE}{key}"),
        }
    }
}
