//! Broadcasts in the table: what each is, how far it has come, and a line for each recipient in 16 slices.
//! What becomes of them is [`crate::broadcast`]'s decision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::error::SdkError;
use jiff::{SignedDuration, Timestamp};

use super::item::{Item, from_json, json, number, text};
use super::versioned::at_revision;
use super::{StoreError, Table};
use crate::broadcast::{Broadcast, BroadcastId, Spec};

mod entries;
mod open_index;
mod rosters;
mod status_cache;

pub use self::entries::{Counts, Entries, SLICES};
pub use self::rosters::Taken;
pub use self::status_cache::Seen;

/// How long a broadcast and its report are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How often a change is decided anew when others write in between.
const MAX_ROUNDS: usize = 16;

/// The broadcasts in the table.
#[derive(Debug, Clone)]
pub struct BroadcastStore {
    table: Table,
    seen: Arc<Mutex<HashMap<BroadcastId, Seen>>>,
}

/// What came of opening a broadcast.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "it lives for one opening")]
pub enum Opened {
    /// It is new.
    New(Broadcast),
    /// There was one with this id.
    Known(Box<(Spec, Broadcast)>),
}

impl BroadcastStore {
    /// The broadcasts in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, seen: Arc::default() }
    }

    /// Opens the broadcast `id` at `now`, unless there is one.
    ///
    /// ```text
    /// note for the tick ──► spec ──► state      died between: the tick drops a note that leads nowhere
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`]; opening again tells.
    pub async fn open(&self, id: &BroadcastId, spec: &Spec, now: Timestamp) -> Result<Opened, StoreError> {
        if let Some(known) = self.get(id).await? {
            return Ok(Opened::Known(Box::new(known)));
        }
        self.note(id, now).await?;
        let Table { client, name } = &self.table;
        let put = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(id)))
            .item("sk", text("spec"))
            .item("spec", json(spec, "spec")?)
            .item("ttl", number(ends(now)))
            .condition_expression("attribute_not_exists(pk)");
        match put.send().await {
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {}
            Err(error) => return Err(StoreError::unavailable("put broadcast", error)),
            Ok(_) => {}
        }
        // Whoever came first wrote what holds; a state may be missing because they died, or are about to write it.
        let Some(there) = self.spec(id).await? else { return Err(missing("spec")) };
        let broadcast = Broadcast::new(id.clone(), now);
        match self.put(&broadcast).await? {
            Put::Written(broadcast) if there == *spec => Ok(Opened::New(broadcast)),
            Put::Written(broadcast) => Ok(Opened::Known(Box::new((there, broadcast)))),
            Put::Lost(Some(known)) => Ok(Opened::Known(Box::new((there, known)))),
            Put::Lost(None) => Err(StoreError::Contended),
        }
    }

    /// What the broadcast `id` is and how far it has come; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, id: &BroadcastId) -> Result<Option<(Spec, Broadcast)>, StoreError> {
        let Some(broadcast) = self.state(id).await? else { return Ok(None) };
        let spec = self.spec(id).await?.ok_or_else(|| missing("spec"))?;
        Ok(Some((spec, broadcast)))
    }

    /// How far the broadcast `id` has come.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn state(&self, id: &BroadcastId) -> Result<Option<Broadcast>, StoreError> {
        self.read(id, "state").await?.map(|item| from_json(&item, "broadcast")).transpose()
    }

    async fn spec(&self, id: &BroadcastId) -> Result<Option<Spec>, StoreError> {
        self.read(id, "spec").await?.map(|item| from_json(&item, "spec")).transpose()
    }

    async fn read(&self, id: &BroadcastId, part: &str) -> Result<Option<Item>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(pk(id))).key("sk", text(part)).send().await;
        Ok(found.map_err(|error| StoreError::unavailable("get broadcast", error))?.item)
    }

    /// Changes the record of `id` as `decide` says, which is asked anew whenever somebody else was faster. `None` when
    /// it changes nothing or there is no broadcast; what is decided comes back either way.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn change<T>(
        &self,
        id: &BroadcastId,
        decide: impl Fn(&Broadcast) -> (Option<Broadcast>, T),
    ) -> Result<Option<(Broadcast, T)>, StoreError> {
        let mut record = self.state(id).await?;
        for _ in 0..MAX_ROUNDS {
            let Some(there) = record else { return Ok(None) };
            let (changed, decided) = decide(&there);
            let Some(changed) = changed else { return Ok(Some((there, decided))) };
            match self.put(&changed).await? {
                Put::Written(written) => {
                    self.forget(id);
                    return Ok(Some((written, decided)));
                }
                Put::Lost(other) => record = other,
            }
        }
        Err(StoreError::Contended)
    }

    async fn put(&self, broadcast: &Broadcast) -> Result<Put, StoreError> {
        let based_on = broadcast.revision;
        let broadcast = Broadcast { revision: based_on + 1, ..broadcast.clone() };
        let opened = broadcast.opened_at().unwrap_or(Timestamp::UNIX_EPOCH);
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(&broadcast.id)))
            .item("sk", text("state"))
            .item("revision", number(broadcast.revision))
            .item("broadcast", json(&broadcast, "broadcast")?)
            .item("ttl", number(ends(opened)));
        match at_revision(request, based_on).send().await {
            Ok(_) => Ok(Put::Written(broadcast)),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let there = self.state(&broadcast.id).await?;
                // The SDK repeats a write whose reply was lost: then what is there is ours.
                Ok(match there {
                    Some(there) if there == broadcast => Put::Written(there),
                    there => Put::Lost(there),
                })
            }
            Err(error) => Err(StoreError::unavailable("put broadcast", error)),
        }
    }
}

enum Put {
    Written(Broadcast),
    Lost(Option<Broadcast>),
}

fn pk(id: &BroadcastId) -> String {
    format!("broadcast#{}", id.as_str())
}

fn ends(opened: Timestamp) -> i64 {
    opened.checked_add(KEPT).unwrap_or(opened).as_second()
}

fn missing(attribute: &'static str) -> StoreError {
    StoreError::Unreadable { attribute, cause: None }
}
