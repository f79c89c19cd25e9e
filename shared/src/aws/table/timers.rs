//! Store of durable timers, by the minute they are due, with an index of the partitions that hold any.
//!
//! [`crate::jobs::timers`] decides what is due when.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::item::{Item, missing, number, parsed, string, text};
use super::requests::{Conditional, conditional};
use super::schema::{HELD, PK, SINGLE, SK, TICK, TIMER, TIMERS, TTL};
use super::{Cursor, StoreError, Table, batch_write};
use crate::broadcast::BroadcastId;
use crate::jobs::timers::{LEASE_DURATION, Minute, Partition, QueueTarget, Timer};
use crate::random::Random;

/// Retention of a timer after its due time, in case no tick removes it, in seconds.
const RETENTION_SECONDS: i64 = 31 * 24 * 3600;

/// Most partitions that a process knows to be listed, so that a long-lived one does not grow.
const MAX_KNOWN: usize = 1_024;

/// Store of the timers of one agent.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{StoreError, TimerStore};
/// use herald::jobs::timers::{QueueTarget, Timer};
/// use jiff::{SignedDuration, Timestamp};
///
/// async fn tomorrow(timers: &TimerStore, body: String, now: Timestamp) -> Result<(), StoreError> {
///     let due = now + SignedDuration::from_hours(24);
///     timers.put(&Timer::new(QueueTarget::Tasks, body, due), now).await
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TimerStore {
    table: Table,
    /// Generates the nonces of puts.
    random: Random,
    /// Partitions that this process listed in the index.
    listed: Arc<Mutex<HashSet<Partition>>>,
}

/// Page of the timers of one partition.
#[derive(Debug)]
pub struct Due {
    /// The timers that could be read, each with its key.
    pub timers: Vec<(Timer, TimerKey)>,
    /// Number of timers that could not be read; they block no other.
    pub unreadable: usize,
    /// Where the next page starts; `None` after the last.
    pub next: Option<Cursor>,
}

/// Key of a stored timer.
#[derive(Debug, Clone)]
pub struct TimerKey {
    pk: String,
    sk: String,
}

impl TimerStore {
    /// Returns the store of timers in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, random: Random::system(), listed: Arc::default() }
    }

    /// Stores `timer` at `now`.
    ///
    /// ```text
    /// partition in the index ──► timer     crash in between: a tick finds an empty partition, and removes it from the index
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call may store it twice.
    pub async fn put(&self, timer: &Timer, now: Timestamp) -> Result<(), StoreError> {
        let partition = timer.partition(now);
        self.mark_used(partition).await?;
        self.put_under(pk(partition), timer).await
    }

    /// Adds the partition to the index, unless this process did before. A tick removes it only when no process puts a timer
    /// into it any more.
    async fn mark_used(&self, partition: Partition) -> Result<(), StoreError> {
        if self.listed().contains(&partition) {
            return Ok(());
        }
        let expires_at = partition.minute.0.saturating_mul(60).saturating_add(RETENTION_SECONDS);
        let request = self.table.put(TIMERS.to_owned(), &index_key(partition)).item(TTL, number(expires_at));
        Box::pin(request.send()).await.map_err(|error| StoreError::unavailable("mark partition", error))?;
        let mut listed = self.listed();
        if listed.len() >= MAX_KNOWN {
            listed.clear();
        }
        listed.insert(partition);
        Ok(())
    }

    fn listed(&self) -> std::sync::MutexGuard<'_, HashSet<Partition>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parks `timer` until `broadcast` resumes.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn park(&self, broadcast: &BroadcastId, timer: &Timer) -> Result<(), StoreError> {
        self.put_under(parked(broadcast, timer.shard()), timer).await
    }

    async fn put_under(&self, pk: String, timer: &Timer) -> Result<(), StoreError> {
        let (queue, group, dedupe) = match &timer.queue {
            QueueTarget::Turns { group, dedupe } => ("turns", Some(group), Some(dedupe)),
            QueueTarget::Tasks => ("tasks", None, None),
            QueueTarget::Deliveries => ("deliveries", None, None),
        };
        // Of two puts of the same work, a delete removes the one that was read.
        let request = self
            .table
            .put(pk, &format!("{}#{:016x}", timer.id, self.random.next_u64()))
            .item("due", number(timer.due.as_millisecond()))
            .item("queue", text(queue))
            .item("body", text(&timer.body))
            .item(TTL, number(timer.due.as_second().saturating_add(RETENTION_SECONDS)));
        let request = match (group, dedupe) {
            (Some(group), Some(dedupe)) => request.item("group", text(group)).item("dedupe", text(dedupe)),
            _ => request,
        };
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("put timer", error))
    }

    /// Returns the partitions until `last` that may hold timers, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn partitions(&self, last: Minute) -> Result<Vec<Partition>, StoreError> {
        let mut partitions = Vec::new();
        let mut next = None;
        loop {
            let request = self
                .table
                .query(TIMERS)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk < :end")
                .expression_attribute_values(":end", text(format!("{:010}", last.0.saturating_add(1))))
                .set_exclusive_start_key(next);
            let page = Box::pin(request.send()).await;
            let page = page.map_err(|error| StoreError::unavailable("list partitions", error))?;
            partitions.extend(page.items().iter().filter_map(|item| partition_of(&string(item, SK)?)));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(partitions);
            }
        }
    }

    /// Removes partitions from the index, which hold no timers and receive none any more.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn mark_unused(&self, partitions: &[Partition]) -> Result<(), StoreError> {
        let keys = partitions.iter().map(|partition| (TIMERS.to_owned(), index_key(*partition)));
        batch_write::delete(&self.table, keys.collect(), "mark partitions unused").await
    }

    /// Returns a page of the timers in `partition`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(&self, partition: Partition, from: Option<Cursor>) -> Result<Due, StoreError> {
        self.list_under(pk(partition), from).await
    }

    /// Returns a page of the timers in one shard that are parked for `broadcast`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list_parked(
        &self,
        broadcast: &BroadcastId,
        shard: u8,
        from: Option<Cursor>,
    ) -> Result<Due, StoreError> {
        self.list_under(parked(broadcast, shard), from).await
    }

    async fn list_under(&self, pk: String, from: Option<Cursor>) -> Result<Due, StoreError> {
        let request = self.table.query(pk).consistent_read(true);
        let request = request.set_exclusive_start_key(from.map(|cursor| cursor.0));
        let page = request.send().await.map_err(|error| StoreError::unavailable("list timers", error))?;
        let found = page.items.unwrap_or_default();
        let timers: Vec<_> = found.iter().filter_map(|item| read(item).ok()).collect();
        let unreadable = found.len() - timers.len();
        Ok(Due { timers, unreadable, next: page.last_evaluated_key.map(Cursor) })
    }

    /// Removes timers; succeeds when they are gone. A timer for the same work that was put after they were read stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; some may be removed.
    pub async fn remove(&self, keys: Vec<TimerKey>) -> Result<(), StoreError> {
        let keys = keys.into_iter().map(|TimerKey { pk, sk }| (pk, sk)).collect();
        batch_write::delete(&self.table, keys, "remove timers").await
    }

    /// Leases the timers to the tick `holder` for [`LEASE_DURATION`]; returns `false` while another tick holds the lease.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn acquire_lease(&self, holder: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.lease("attribute_not_exists(pk) OR leased_until <= :now OR holder = :holder", holder, now).await
    }

    /// Extends the lease of `holder` to [`LEASE_DURATION`] from `now`; returns `false` when another tick acquired it.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn renew_lease(&self, holder: &str, now: Timestamp) -> Result<bool, StoreError> {
        // Not over a lease of its own that it released, or that ended before another tick read the clock.
        self.lease("holder = :holder AND leased_until > :now", holder, now).await
    }

    /// Writes the lease of `holder` where `condition` holds. The values of `condition` are `:holder` and `:now`.
    async fn lease(&self, condition: &str, holder: &str, now: Timestamp) -> Result<bool, StoreError> {
        let until = now.checked_add(LEASE_DURATION).unwrap_or(Timestamp::MAX);
        let request = self
            .table
            .put(TICK.to_owned(), SINGLE)
            .item("holder", text(holder))
            .item("leased_until", number(until.as_millisecond()))
            .condition_expression(condition)
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":now", number(now.as_millisecond()));
        let written = conditional(Box::pin(request.send()).await, "lease timers")?;
        Ok(matches!(written, Conditional::Written(_)))
    }

    /// Ends the lease of `holder`; succeeds when it does not hold it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the lease then ends by itself.
    pub async fn release_lease(&self, holder: &str) -> Result<(), StoreError> {
        let request = self
            .table
            .put(TICK.to_owned(), SINGLE)
            .item("holder", text(holder))
            .item("leased_until", number(0))
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", text(holder));
        conditional(Box::pin(request.send()).await, "release timers").map(drop)
    }
}

fn pk(partition: Partition) -> String {
    format!("{TIMER}{}#{}", partition.minute.0, partition.shard)
}

/// Returns the sort key of a partition in the index, in the order of the minutes.
fn index_key(partition: Partition) -> String {
    format!("{:010}#{}", partition.minute.0, partition.shard)
}

fn partition_of(index_key: &str) -> Option<Partition> {
    let (minute, shard) = index_key.split_once('#')?;
    Some(Partition { minute: Minute(minute.parse().ok()?), shard: shard.parse().ok()? })
}

fn parked(broadcast: &BroadcastId, shard: u8) -> String {
    format!("{HELD}{}#{shard}", broadcast.as_str())
}

fn read(item: &Item) -> Result<(Timer, TimerKey), StoreError> {
    let attribute = |name: &'static str| string(item, name).ok_or_else(|| missing(name));
    let due = parsed(item, "due").and_then(|due| Timestamp::from_millisecond(due).ok());
    let queue = match attribute("queue")?.as_str() {
        "turns" => QueueTarget::Turns { group: attribute("group")?, dedupe: attribute("dedupe")? },
        "tasks" => QueueTarget::Tasks,
        "deliveries" => QueueTarget::Deliveries,
        _ => return Err(missing("queue")),
    };
    let (pk, sk) = (attribute(PK)?, attribute(SK)?);
    let due = due.ok_or_else(|| missing("due"))?;
    let id = sk.split('#').next().unwrap_or_default().to_owned();
    Ok((Timer { id, due, queue, body: attribute("body")? }, TimerKey { pk, sk }))
}
