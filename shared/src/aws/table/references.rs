//! Conversation references in the table, found by key, by person and by audience shard.
//! The newest of the channel's words about a conversation wins, in whatever order they arrive.

mod keys;
mod suspension;

use aws_sdk_dynamodb::error::SdkError;
use jiff::Timestamp;

use super::item::{Item, ONLY, encoded, from_json, text};
use super::{StoreError, Table, batch_get};
use crate::broadcast::audience::ConversationKind;
use crate::protocol::conversation::lifecycle::{EventOrder, Presence};
use crate::protocol::conversation::{ConversationReference, ReferenceKey, User};
use crate::protocol::ids::ClientId;

mod shard;

pub use self::shard::Shard;
pub(super) use self::shard::shard_of;

/// The conversation references of one agent in one cloud.
#[derive(Debug, Clone)]
pub struct ReferenceStore {
    table: Table,
    client_id: ClientId,
    cloud: String,
}

/// A page of references and where the next one starts.
#[derive(Debug)]
pub struct Page {
    /// The references.
    pub references: Vec<ConversationReference>,
    /// What the items on the page are found by that could not be read; they stop nobody else.
    pub unreadable: Vec<String>,
    /// What the last one is found by; `None` on the last page.
    pub last: Option<String>,
}

impl Page {
    fn of<'a>(items: impl Iterator<Item = &'a Item>, last: Option<String>) -> Self {
        let mut page = Self { references: Vec::new(), unreadable: Vec::new(), last };
        for item in items {
            match from_json(item, "reference") {
                Ok(reference) => page.references.push(reference),
                Err(_) => page.unreadable.extend(item.get("pk").and_then(|key| key.as_s().ok()).cloned()),
            }
        }
        page
    }
}

impl ReferenceStore {
    /// The references of the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into() }
    }

    /// Writes what an activity of the channel said at `moment`, unless something newer is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn upsert(
        &self,
        reference: &ConversationReference,
        presence: Presence,
        moment: Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.key(reference);
        let content = encoded(reference, "reference")?;
        let place = EventOrder::of(moment, presence, &content);
        let Table { client, name } = &self.table;
        let mut request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(&key)))
            .item("sk", text(ONLY))
            .item("reference", text(content))
            .item("place", text(place.as_str()))
            .item("state", text(state(presence)))
            .condition_expression("attribute_not_exists(pk) OR place <= :place")
            .expression_attribute_values(":place", text(place.as_str()));
        // Without these two it is in neither index: nobody is told of anything there.
        // Nor is who has no tenant: visitors of a web page are not everyone.
        let is_of_a_tenant = reference.tenant_id.is_some();
        let kind = ConversationKind::of(reference).filter(|_| presence == Presence::Active && is_of_a_tenant);
        if let Some(kind) = kind {
            request = request.item("audience", text(self.audience(kind, shard_of(&key))));
            if let Some(person) = reference.person() {
                request = request.item("user", text(self.person_key(&person)));
            }
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(())
            }
            Err(error) => Err(StoreError::unavailable("put reference", error)),
        }
    }

    /// The reference with this key, unless its conversation is over.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, key: &ReferenceKey) -> Result<Option<ConversationReference>, StoreError> {
        self.read(key).await?.filter(is_active).map(|item| from_json(&item, "reference")).transpose()
    }

    /// The references with these keys, but for those whose conversation is over; in no order, and all on one page.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_all(&self, keys: &[ReferenceKey]) -> Result<Page, StoreError> {
        let found = batch_get::get(&self.table, keys.iter().map(pk).collect()).await?;
        Ok(Page::of(found.iter().filter(|item| is_active(item)), None))
    }

    /// The reference with this key, whether or not its conversation is over.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_even_if_over(
        &self,
        key: &ReferenceKey,
    ) -> Result<Option<ConversationReference>, StoreError> {
        self.read(key).await?.map(|item| from_json(&item, "reference")).transpose()
    }

    async fn read(&self, key: &ReferenceKey) -> Result<Option<Item>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(pk(key))).key("sk", text(ONLY)).send().await;
        Ok(found.map_err(|error| StoreError::unavailable("get reference", error))?.item)
    }

    /// The personal conversation with `user`, if one is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn find(&self, user: &User) -> Result<Option<ConversationReference>, StoreError> {
        let value = self.person_key(user);
        let Table { client, name } = &self.table;
        let request = client
            .query()
            .table_name(name)
            .index_name("by_user")
            .key_condition_expression("#user = :user")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", text(value));
        let found = request.send().await.map_err(|error| StoreError::unavailable("by_user", error))?;
        // One that can be read does for the person, whatever became of another.
        let read = |item| from_json(item, "reference");
        let readable = found.items().iter().find_map(|item| read(item).ok());
        readable.map(Ok).or_else(|| found.items().first().map(read)).transpose()
    }

    /// A page of the conversations of `kind` in `shard`, at most `limit` of them, behind the one found by `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(
        &self,
        kind: ConversationKind,
        shard: Shard,
        after: Option<String>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let Table { client, name } = &self.table;
        let audience = self.audience(kind, shard);
        let start = after.map(|after| {
            let key = [("audience", text(&audience)), ("pk", text(after)), ("sk", text(ONLY))];
            key.map(|(name, value)| (name.to_owned(), value)).into()
        });
        let request = client
            .query()
            .table_name(name)
            .index_name("by_audience")
            .key_condition_expression("audience = :audience")
            .expression_attribute_values(":audience", text(&audience))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let page = request.send().await.map_err(|error| StoreError::unavailable("by_audience", error))?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| key.get("pk")?.as_s().ok().cloned());
        Ok(Page::of(page.items().iter(), last))
    }

    fn audience(&self, kind: ConversationKind, shard: Shard) -> String {
        let shard = shard.0.to_string();
        let agent = [self.client_id.as_str(), &self.cloud, &shard];
        match kind {
            ConversationKind::Personal => crate::hash::sha256(&agent),
            ConversationKind::GroupChat => crate::hash::sha256(&[agent[0], agent[1], agent[2], "group-chat"]),
        }
    }
}

fn is_active(item: &Item) -> bool {
    item.get("state") == Some(&text(state(Presence::Active)))
}

fn pk(key: &ReferenceKey) -> String {
    format!("reference#{}", key.as_str())
}

fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Active => "active",
        Presence::Removed => "removed",
    }
}
