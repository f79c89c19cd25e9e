//! Conversation references in the table, found by key, by person and by audience shard.
//! The newest of the channel's words about a conversation wins, in whatever order they arrive.

mod refused;

use aws_sdk_dynamodb::error::SdkError;
use jiff::Timestamp;

use super::item::{Item, ONLY, encoded, from_json, text};
use super::{Cursor, StoreError, Table};
use crate::conversation::lifecycle::{Change, Order};
use crate::conversation::{ConversationReference, ReferenceKey, User};
use crate::ids::ClientId;

/// The conversation references of one agent in one cloud.
#[derive(Debug, Clone)]
pub struct ReferenceStore {
    table: Table,
    client_id: ClientId,
    cloud: String,
}

/// One of the 256 parts an audience is listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard(pub u8);

/// A page of references and where the next one starts.
#[derive(Debug)]
pub struct Page {
    /// The references.
    pub references: Vec<ConversationReference>,
    /// Items on the page that could not be read; they stop nobody else.
    pub unreadable: usize,
    /// Where the next page starts; `None` after the last.
    pub next: Option<Cursor>,
}

impl ReferenceStore {
    /// The references of the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into() }
    }

    /// What `reference` is found by.
    #[must_use]
    pub fn key(&self, reference: &ConversationReference) -> ReferenceKey {
        reference.key(&self.client_id, &self.cloud)
    }

    /// What a person's conversation is found by.
    #[must_use]
    pub fn person_key(&self, person: &User) -> String {
        person.key(&self.client_id, &self.cloud)
    }

    /// Writes what an activity of the channel said at `moment`, unless something newer is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn upsert(
        &self,
        reference: &ConversationReference,
        change: Change,
        moment: Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.key(reference);
        let content = encoded(reference, "reference")?;
        let place = Order::of(moment, change, &content);
        let Table { client, name } = &self.table;
        let mut request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(&key)))
            .item("sk", text(ONLY))
            .item("reference", text(content))
            .item("place", text(place.as_str()))
            .item("state", text(state(change)))
            .condition_expression("attribute_not_exists(pk) OR place <= :place")
            .expression_attribute_values(":place", text(place.as_str()));
        // Without these two it is in neither index: nobody is told of anything there.
        // Nor is who has no tenant: visitors of a web page are not everyone.
        let is_of_a_tenant = reference.tenant_id.is_some();
        if change == Change::Keep && is_of_a_tenant && reference.conversation.is_personal() {
            request = request.item("audience", text(self.audience(shard_of(&key))));
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
        let Table { client, name } = &self.table;
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(pk(key))).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get reference", error))?;
        let is_active = |item: &Item| item.get("state") == Some(&text(state(Change::Keep)));
        found.item.filter(is_active).map(|item| from_json(&item, "reference")).transpose()
    }

    /// The personal conversation with `user`, if one is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn find(&self, user: &User) -> Result<Option<ConversationReference>, StoreError> {
        let value = self.person_key(user);
        let (items, _) = self.query("by_user", "user", &value, None).await?;
        items.first().map(|item| from_json(item, "reference")).transpose()
    }

    /// A page of the personal conversations in `shard`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(&self, shard: Shard, from: Option<Cursor>) -> Result<Page, StoreError> {
        let (items, next) = self.query("by_audience", "audience", &self.audience(shard), from).await?;
        let read: Vec<Result<_, StoreError>> =
            items.iter().map(|item| from_json(item, "reference")).collect();
        let unreadable = read.iter().filter(|read| read.is_err()).count();
        Ok(Page { references: read.into_iter().flatten().collect(), unreadable, next })
    }

    async fn query(
        &self,
        index: &'static str,
        attribute: &'static str,
        value: &str,
        from: Option<Cursor>,
    ) -> Result<(Vec<Item>, Option<Cursor>), StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .query()
            .table_name(name)
            .index_name(index)
            .key_condition_expression("#attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", text(value))
            .set_exclusive_start_key(from.map(|cursor| cursor.0));
        let page = request.send().await.map_err(|error| StoreError::unavailable(index, error))?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key.map(Cursor)))
    }

    fn audience(&self, shard: Shard) -> String {
        crate::digest::of(&[self.client_id.as_str(), &self.cloud, &shard.0.to_string()])
    }
}

impl Shard {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

fn shard_of(key: &ReferenceKey) -> Shard {
    Shard(key.as_str().get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0))
}

fn pk(key: &ReferenceKey) -> String {
    format!("reference#{}", key.as_str())
}

fn state(change: Change) -> &'static str {
    match change {
        Change::Keep => "active",
        Change::Remove => "removed",
    }
}
