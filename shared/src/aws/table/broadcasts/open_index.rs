//! Notes of the broadcasts that are not over, for the tick: few, and written twice in the life of each.
//! A note is put down before the broadcast is; one that leads nowhere after an hour is the tick's to drop.

use jiff::Timestamp;

use super::{BroadcastStore, ends};
use crate::aws::table::item::{Item, number, text};
use crate::aws::table::{StoreError, Table};
use crate::broadcast::BroadcastId;

/// Where the notes are.
const OPEN: &str = "broadcasts";

impl BroadcastStore {
    pub(super) async fn note(&self, id: &BroadcastId, now: Timestamp) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let note = client
            .put_item()
            .table_name(name)
            .item("pk", text(OPEN))
            .item("sk", text(id.as_str()))
            .item("opened", number(now.as_second()))
            .item("ttl", number(ends(now)));
        note.send().await.map(drop).map_err(|error| StoreError::unavailable("put broadcast note", error))
    }

    /// The broadcasts that are not over, and when each was noted.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list_open(&self) -> Result<Vec<(BroadcastId, Timestamp)>, StoreError> {
        let Table { client, name } = &self.table;
        let mut ids = Vec::new();
        let mut next = None;
        loop {
            let request = client
                .query()
                .table_name(name)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(OPEN))
                .set_exclusive_start_key(next);
            let page =
                request.send().await.map_err(|error| StoreError::unavailable("list broadcasts", error))?;
            ids.extend(page.items().iter().filter_map(read));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Takes the broadcast off the list of those that are not over.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn close(&self, id: &BroadcastId) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let request =
            client.delete_item().table_name(name).key("pk", text(OPEN)).key("sk", text(id.as_str()));
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("close broadcast", error))
    }
}

fn read(item: &Item) -> Option<(BroadcastId, Timestamp)> {
    let opened = item.get("opened")?.as_n().ok()?.parse().ok()?;
    Some((BroadcastId::named(item.get("sk")?.as_s().ok()?), Timestamp::from_second(opened).ok()?))
}
