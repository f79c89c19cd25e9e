//! Store of durable timers, by the minute they are due, and the watermark of the ticks.
//!
//! [`crate::jobs::timers`] decides what is due when.

use jiff::Timestamp;

use super::item::{Item, missing, number, parsed, string, text};
use super::requests::conditional;
use super::schema::{HELD, PK, SINGLE, SK, TIMER, TIMERS, TTL};
use super::{Cursor, StoreError, Table};
use crate::broadcast::BroadcastId;
use crate::jobs::timers::{Minute, QueueTarget, Timer};

/// Retention of a timer after its due time, in case no tick removes it, in seconds.
const RETENTION_SECONDS: i64 = 31 * 24 * 3600;

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
}

/// Page of the timers of one shard of one minute.
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
        Self { table }
    }

    /// Stores `timer` at `now`; overwrites a timer for the same work.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put(&self, timer: &Timer, now: Timestamp) -> Result<(), StoreError> {
        self.put_under(pk(timer.minute(now), timer.shard()), timer).await
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
        let request = self
            .table
            .put(pk, &timer.id)
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

    /// Returns a page of the timers in one shard of `minute`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(&self, minute: Minute, shard: u8, from: Option<Cursor>) -> Result<Due, StoreError> {
        self.list_under(pk(minute, shard), from).await
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

    /// Removes a timer; succeeds when it is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn remove(&self, key: TimerKey) -> Result<(), StoreError> {
        self.table.delete(key.pk, &key.sk, "remove timer").await
    }

    /// Returns the last minute that no tick needs to read again; `None` before the first tick.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn watermark(&self) -> Result<Option<Minute>, StoreError> {
        let found = self.table.get(TIMERS.to_owned(), SINGLE, "get watermark").await?;
        let minute = |item| parsed(&item, "watermark").map(Minute).ok_or_else(|| missing("watermark"));
        found.map(minute).transpose()
    }

    /// Advances the watermark to `minute`; a late, older tick does not move it back.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn advance_watermark(&self, minute: Minute) -> Result<(), StoreError> {
        let request = self
            .table
            .put(TIMERS.to_owned(), SINGLE)
            .item("watermark", number(minute.0))
            .condition_expression("attribute_not_exists(pk) OR watermark < :minute")
            .expression_attribute_values(":minute", number(minute.0));
        conditional(request.send().await, "put watermark").map(drop)
    }
}

fn pk(minute: Minute, shard: u8) -> String {
    format!("{TIMER}{}#{shard}", minute.0)
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
    Ok((Timer { id: sk.clone(), due, queue, body: attribute("body")? }, TimerKey { pk, sk }))
}
