//! Index of the broadcasts that are not done, for the tick: few, and written twice in the life of each.
//!
//! An entry is written before its broadcast; the tick removes one that has no broadcast after an hour.

use jiff::Timestamp;

use super::{BroadcastStore, expires_at};
use crate::aws::table::StoreError;
use crate::aws::table::item::{Item, number, parsed, string};
use crate::aws::table::schema::{BROADCASTS, SK, TTL};
use crate::broadcast::BroadcastId;

impl BroadcastStore {
    /// Adds the broadcast to the index.
    pub(super) async fn mark_open(&self, id: &BroadcastId, now: Timestamp) -> Result<(), StoreError> {
        let request = self.table.put(BROADCASTS.to_owned(), id.as_str());
        let request = request.item("opened", number(now.as_second())).item(TTL, number(expires_at(now)));
        request.send().await.map(drop).map_err(|error| StoreError::unavailable("mark broadcast open", error))
    }

    /// Returns the broadcasts that are not done, and when each was opened.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list_open(&self) -> Result<Vec<(BroadcastId, Timestamp)>, StoreError> {
        let mut ids = Vec::new();
        let mut next = None;
        loop {
            let request = self.table.query(BROADCASTS).consistent_read(true).set_exclusive_start_key(next);
            let page =
                request.send().await.map_err(|error| StoreError::unavailable("list broadcasts", error))?;
            ids.extend(page.items().iter().filter_map(read));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Removes the broadcast from the index.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn mark_closed(&self, id: &BroadcastId) -> Result<(), StoreError> {
        self.table.delete(BROADCASTS.to_owned(), id.as_str(), "mark broadcast closed").await
    }
}

fn read(item: &Item) -> Option<(BroadcastId, Timestamp)> {
    let opened = Timestamp::from_second(parsed(item, "opened")?).ok()?;
    Some((BroadcastId::named(&string(item, SK)?), opened))
}
