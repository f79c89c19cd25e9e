//! The agenda in the table: items by the minute they are due, and how far the ticks have come.
//! What is due when is [`crate::jobs::timers`]'s decision.

use jiff::Timestamp;

use super::item::{Item as Attributes, ONLY, from_json, json, number, text};
use super::{Cursor, StoreError, Table};
use crate::broadcast::BroadcastId;
use crate::jobs::timers::{Destination, Item, Minute};

/// Where the ticks' progress is kept.
const PROGRESS: &str = "agenda";

/// How long an item outlives the moment it was due, should nobody ever look at it.
const KEPT_SECONDS: i64 = 31 * 24 * 3600;

/// The agenda of one agent.
#[derive(Debug, Clone)]
pub struct AgendaStore {
    table: Table,
}

/// Items of one shard of one minute.
#[derive(Debug)]
pub struct Due {
    /// The items that could be read, and what each is deleted by.
    pub items: Vec<(Item, Place)>,
    /// Items that could not be read; they stop no other.
    pub unreadable: usize,
    /// Where the next page starts; `None` after the last.
    pub next: Option<Cursor>,
}

/// Where an item is kept.
#[derive(Debug, Clone)]
pub struct Place {
    pk: String,
    sk: String,
}

impl AgendaStore {
    /// The agenda in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts `item` down at `now`, in place of the same one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put(&self, item: &Item, now: Timestamp) -> Result<(), StoreError> {
        self.put_under(pk(item.minute(now), item.shard()), item).await
    }

    /// Puts `item` aside until `broadcast` goes on, however long that takes.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn hold(&self, broadcast: &BroadcastId, item: &Item) -> Result<(), StoreError> {
        self.put_under(held(broadcast, item.shard()), item).await
    }

    async fn put_under(&self, pk: String, item: &Item) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let due_ms = item.due.as_millisecond();
        let (queue, group, dedupe) = match &item.queue {
            Destination::Turns { group, dedupe } => ("turns", Some(group), Some(dedupe)),
            Destination::Tasks => ("tasks", None, None),
            Destination::Deliveries => ("deliveries", None, None),
        };
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk))
            .item("sk", text(&item.id))
            .item("due", number(due_ms))
            .item("queue", text(queue))
            .item("body", json(&item.body, "body")?)
            .item("ttl", number(item.due.as_second().saturating_add(KEPT_SECONDS)));
        let request = match (group, dedupe) {
            (Some(group), Some(dedupe)) => request.item("group", text(group)).item("dedupe", text(dedupe)),
            _ => request,
        };
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("put agenda item", error))
    }

    /// A page of the items of one shard of `minute`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(&self, minute: Minute, shard: u8, from: Option<Cursor>) -> Result<Due, StoreError> {
        self.list_under(pk(minute, shard), from).await
    }

    /// A page of the items of one shard that were put aside for `broadcast`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list_held(
        &self,
        broadcast: &BroadcastId,
        shard: u8,
        from: Option<Cursor>,
    ) -> Result<Due, StoreError> {
        self.list_under(held(broadcast, shard), from).await
    }

    async fn list_under(&self, pk: String, from: Option<Cursor>) -> Result<Due, StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .query()
            .table_name(name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .set_exclusive_start_key(from.map(|cursor| cursor.0));
        let page = request.send().await.map_err(|error| StoreError::unavailable("list agenda", error))?;
        let found = page.items.unwrap_or_default();
        let items: Vec<_> = found.iter().filter_map(|attributes| read(attributes).ok()).collect();
        let unreadable = found.len() - items.len();
        Ok(Due { items, unreadable, next: page.last_evaluated_key.map(Cursor) })
    }

    /// Takes an item off the agenda; it may be gone already.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn remove(&self, place: Place) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let request =
            client.delete_item().table_name(name).key("pk", text(place.pk)).key("sk", text(place.sk));
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("remove agenda item", error))
    }

    /// The last minute that needs no other look; `None` before the first tick.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn drained(&self) -> Result<Option<Minute>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(PROGRESS)).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get agenda progress", error))?;
        let minute = |item: Attributes| item.get("drained")?.as_n().ok()?.parse().ok().map(Minute);
        let unreadable = StoreError::Unreadable { attribute: "drained", cause: None };
        found.item.map(|item| minute(item).ok_or(unreadable)).transpose()
    }

    /// Remembers that nothing is left up to `minute`. An older tick that is late does not turn this back.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn drain(&self, minute: Minute) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(PROGRESS))
            .item("sk", text(ONLY))
            .item("drained", number(minute.0))
            .condition_expression("attribute_not_exists(pk) OR drained < :minute")
            .expression_attribute_values(":minute", number(minute.0));
        match request.send().await {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Err(StoreError::unavailable("put agenda progress", error))
            }
            _ => Ok(()),
        }
    }
}

fn pk(minute: Minute, shard: u8) -> String {
    format!("agenda#{}#{shard}", minute.0)
}

fn held(broadcast: &BroadcastId, shard: u8) -> String {
    format!("held#{}#{shard}", broadcast.as_str())
}

fn read(attributes: &Attributes) -> Result<(Item, Place), StoreError> {
    let attribute = |name: &'static str| {
        let value = attributes.get(name).and_then(|value| value.as_s().ok());
        value.cloned().ok_or(StoreError::Unreadable { attribute: name, cause: None })
    };
    let unreadable = |attribute| StoreError::Unreadable { attribute, cause: None };
    let due_ms = attributes.get("due").and_then(|value| value.as_n().ok()?.parse().ok());
    let due = due_ms.and_then(|due_ms| Timestamp::from_millisecond(due_ms).ok());
    let queue = match attribute("queue")?.as_str() {
        "turns" => Destination::Turns { group: attribute("group")?, dedupe: attribute("dedupe")? },
        "tasks" => Destination::Tasks,
        "deliveries" => Destination::Deliveries,
        _ => return Err(unreadable("queue")),
    };
    let (pk, sk) = (attribute("pk")?, attribute("sk")?);
    let due = due.ok_or_else(|| unreadable("due"))?;
    Ok((Item { id: sk.clone(), due, queue, body: from_json(attributes, "body")? }, Place { pk, sk }))
}
