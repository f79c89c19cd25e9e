//! Store of signals: one versioned record for each key of a tenant.
//!
//! [`crate::jobs::signal`] decides what a waiter, a signal and a deadline make of it.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use jiff::{SignedDuration, Timestamp};

use super::batch_get::{self, Consistency};
use super::item::{Item, from_json, json, missing, number, parsed, string, text};
use super::schema::{BY_AUDIENCE, PK, REVISION, SIGNAL, SIGNALS, SINGLE, TTL};
use super::versioned::{self, Decision, OnConflict, RecordKey, Updated, Versioned};
use super::{StoreError, Table};
use crate::jobs::JobId;
use crate::jobs::signal::{
    Delivery, Expiry, Payload, Resumption, Signal, SignalName, SignalState, Wait, Waiter, deliver, expire,
    wait,
};

/// Number of shards of the index of open signals.
const SHARDS: u8 = 16;

/// Keys read at once.
const PAGE: usize = 100;

/// Retention of a record after it is of no use: it exceeds the retention of every copy of a message.
const RETENTION: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Store of signals.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{Answered, SignalStore, StoreError};
/// use herald::jobs::signal::{Payload, SignalName};
/// use jiff::Timestamp;
///
/// async fn is_kept(signals: &SignalStore, name: &SignalName, signal: &Payload, now: Timestamp) -> Result<bool, StoreError> {
///     Ok(matches!(signals.deliver(name, signal, now).await?, Answered::NoWaiter))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct SignalStore {
    table: Table,
}

/// Result of registering a waiter.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// The task waits.
    Waiting,
    /// The signal came first; the caller queues the run.
    Resumed(Resumption),
    /// Another task waits or waited with this key.
    Taken,
}

/// Result of delivering a signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// It resumed the task; the caller queues the run.
    Delivered(Resumption),
    /// No task waits for it; it is kept for 30 days.
    NoWaiter,
    /// The key was used before; the signal has no effect.
    AlreadyDelivered,
}

/// Result of a deadline.
#[derive(Debug, Clone, PartialEq)]
pub enum Expired {
    /// It resumed the task; the caller queues the run.
    Resumed(Resumption),
    /// It is in the future.
    Early {
        /// The deadline.
        until: Timestamp,
    },
    /// The task does not wait any more.
    Settled,
}

struct Record(Signal);

impl Versioned for Record {
    const GET: &'static str = "get signal";
    const PUT: &'static str = "put signal";
    const MAX_ROUNDS: usize = 8;

    fn revision(&self) -> u64 {
        self.0.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self(Signal { revision, ..self.0 })
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let Self(signal) = self;
        let ends = signal.expires_at().checked_add(RETENTION).unwrap_or(Timestamp::MAX);
        let put = put.item("signal", json(signal, "signal")?).item(TTL, number(ends.as_second()));
        let put = match signal.waiter() {
            Some(waiter) => put.item("work", text(&waiter.work)),
            None => put,
        };
        Ok(match signal.resumption() {
            None => put.item("audience", text(index(shard_of(&signal.name)))),
            Some(_) => put,
        })
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        let revision = parsed(item, REVISION).ok_or_else(|| missing(REVISION))?;
        let mut signal = Signal { revision, ..from_json(item, "signal")? };
        match &mut signal.state {
            SignalState::Waiting(waiter) | SignalState::Used(Resumption { waiter, .. }) => {
                waiter.work = string(item, "work").ok_or_else(|| missing("work"))?;
            }
            SignalState::Stored(_) => {}
        }
        Ok(Self(signal))
    }
}

impl SignalStore {
    /// Returns the store of signals in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Registers `waiter` for the signal `name`, in one write unless the signal came first.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the task may wait all the same: a second call returns whether it does.
    pub async fn wait(
        &self,
        name: &SignalName,
        waiter: &Waiter,
        now: Timestamp,
    ) -> Result<Waited, StoreError> {
        let decide = |stored: Option<Record>| match wait(stored.map(|record| record.0), name, waiter, now) {
            Wait::Register(signal) | Wait::Resume(signal) => Decision::Write(Record(signal), ()),
            Wait::Waiting => Decision::Keep(Waited::Waiting),
            Wait::Resumed(resumption) => Decision::Keep(Waited::Resumed(resumption)),
            Wait::Taken => Decision::Keep(Waited::Taken),
        };
        let conflict = OnConflict::ReturnedByWrite;
        Ok(match versioned::update(&self.table, &key(name), conflict, decide(None), decide).await? {
            Updated::Written(Record(signal), ()) => {
                signal.resumption().cloned().map_or(Waited::Waiting, Waited::Resumed)
            }
            Updated::Kept(waited) => waited,
        })
    }

    /// Delivers `payload` to the task that waits for the signal `name`, or keeps it for the task.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the signal may be delivered all the same: a second call returns whether it was.
    pub async fn deliver(
        &self,
        name: &SignalName,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<Answered, StoreError> {
        let decide = |stored: Option<Record>| match deliver(stored.map(|record| record.0), name, payload, now)
        {
            Delivery::Store(signal) | Delivery::Resume(signal) => Decision::Write(Record(signal), ()),
            Delivery::Stored => Decision::Keep(Answered::NoWaiter),
            Delivery::Resumed(resumption) => Decision::Keep(Answered::Delivered(resumption)),
            Delivery::AlreadyDelivered => Decision::Keep(Answered::AlreadyDelivered),
        };
        let conflict = OnConflict::ReturnedByWrite;
        Ok(match versioned::modify(&self.table, &key(name), conflict, decide).await? {
            Updated::Written(Record(signal), ()) => {
                signal.resumption().cloned().map_or(Answered::NoWaiter, Answered::Delivered)
            }
            Updated::Kept(answered) => answered,
        })
    }

    /// Resumes the run `job` by its deadline, if it waits for the signal `name` still.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the run may be resumed all the same: a second call returns whether it was.
    pub async fn expire(
        &self,
        name: &SignalName,
        job: &JobId,
        now: Timestamp,
    ) -> Result<Expired, StoreError> {
        let decide = |stored: Option<Record>| match expire(stored.map(|record| record.0), job, now) {
            Expiry::Resume(signal) => Decision::Write(Record(signal), ()),
            Expiry::Resumed(resumption) => Decision::Keep(Expired::Resumed(resumption)),
            Expiry::Early { until } => Decision::Keep(Expired::Early { until }),
            Expiry::Settled => Decision::Keep(Expired::Settled),
        };
        let conflict = OnConflict::ReturnedByWrite;
        Ok(match versioned::modify(&self.table, &key(name), conflict, decide).await? {
            Updated::Written(Record(signal), ()) => {
                signal.resumption().cloned().map_or(Expired::Settled, Expired::Resumed)
            }
            Updated::Kept(expired) => expired,
        })
    }

    /// Returns the record of the signal `name`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, name: &SignalName) -> Result<Option<Signal>, StoreError> {
        let record: Option<Record> = versioned::read(&self.table, &key(name)).await?;
        Ok(record.map(|record| record.0))
    }

    /// Returns the signals that tasks wait for, and those that wait for a task.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list_open(&self) -> Result<Vec<Signal>, StoreError> {
        let mut open = Vec::new();
        for shard in 0..SHARDS {
            let mut next = None;
            loop {
                let Table { client, name } = &self.table;
                let request = client
                    .query()
                    .table_name(name)
                    .index_name(BY_AUDIENCE)
                    .key_condition_expression("audience = :audience")
                    .expression_attribute_values(":audience", text(index(shard)))
                    .limit(i32::try_from(PAGE).unwrap_or(i32::MAX))
                    .set_exclusive_start_key(next);
                let page = Box::pin(request.send()).await;
                let page = page.map_err(|error| StoreError::unavailable("list signals", error))?;
                let keys: Vec<_> = page.items().iter().filter_map(|item| string(item, PK)).collect();
                if !keys.is_empty() {
                    for item in batch_get::get(&self.table, keys, Consistency::Strong).await? {
                        let Record(signal) = Record::decode(&item)?;
                        // The index may be a moment behind.
                        open.extend(Some(signal).filter(|signal| signal.resumption().is_none()));
                    }
                }
                next = page.last_evaluated_key;
                if next.is_none() {
                    break;
                }
            }
        }
        open.sort_by(|one, other| one.name.key().as_str().cmp(other.name.key().as_str()));
        Ok(open)
    }
}

fn key(name: &SignalName) -> RecordKey {
    RecordKey { pk: format!("{SIGNAL}{}", name.hash()), sk: SINGLE.into() }
}

fn index(shard: u8) -> String {
    format!("{SIGNALS}{shard}")
}

fn shard_of(name: &SignalName) -> u8 {
    name.hash().bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte)) % SHARDS
}
