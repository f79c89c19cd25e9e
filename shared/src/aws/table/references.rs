//! Store of conversation references: found by key, by user and by audience shard.
//!
//! The newest event of a conversation wins, in whatever order events arrive.

mod keys;
mod service_url;
mod shard;
mod suspension;
mod unreachable;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use self::service_url::{KEEP_URL, REPLACE_URL};

pub use self::shard::Shard;
pub(super) use self::shard::shard_of;
use super::item::{Item, encoded, from_json, number, string, text};
use super::requests::{Conditional, conditional};
use super::schema::{BY_AUDIENCE, BY_USER, PK, REFERENCE, SINGLE, SK, TTL};
use super::teams::Closing;
use super::{StoreError, Table, batch_get};
use crate::broadcast::audience::ConversationKind;
use crate::protocol::conversation::lifecycle::{EventOrder, Presence};
use crate::protocol::conversation::{ConversationReference, ReferenceKey, User};
use crate::protocol::ids::ClientId;

/// How long the reference of a thread is kept after its last activity. Each thread of a channel leaves one, and most are
/// over within days; a year keeps what comes back yearly: subscriptions, and tasks that wait.
const THREAD_RETENTION: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Store of the conversation references of one agent in one cloud.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{ReferenceStore, StoreError};
/// use herald::protocol::conversation::lifecycle::Presence;
/// use herald::protocol::conversation::{ConversationReference, User};
/// use jiff::Timestamp;
///
/// async fn save(references: &ReferenceStore, reference: &ConversationReference, at: Timestamp) -> Result<(), StoreError> {
///     references.upsert(reference, Presence::Active, at).await
/// }
///
/// async fn can_reach(references: &ReferenceStore, user: &User) -> Result<bool, StoreError> {
///     Ok(references.find(user).await?.is_some())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ReferenceStore {
    table: Table,
    client_id: ClientId,
    cloud: String,
}

/// Page of references.
#[derive(Debug)]
pub struct Page {
    /// The references.
    pub references: Vec<ConversationReference>,
    /// Keys of the items that could not be read; they block no other.
    pub unreadable: Vec<String>,
    /// Where the next page starts; `None` on the last page.
    pub last: Option<String>,
}

impl Page {
    fn of<'a>(items: impl Iterator<Item = &'a Item>, last: Option<String>) -> Self {
        let mut page = Self { references: Vec::new(), unreadable: Vec::new(), last };
        for item in items {
            match from_json(item, "reference") {
                Ok(reference) => page.references.push(reference),
                Err(_) => page.unreadable.extend(string(item, PK)),
            }
        }
        page
    }
}

impl ReferenceStore {
    /// Returns the store of references of the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into() }
    }

    /// Stores the reference of an activity received at `received_at`, unless a newer event is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn upsert(
        &self,
        reference: &ConversationReference,
        presence: Presence,
        received_at: Timestamp,
    ) -> Result<(), StoreError> {
        let content = encoded(reference, "reference")?;
        let order = EventOrder::of(received_at, presence, &content);
        let mut sets =
            vec!["#reference = :reference, event_order = :event_order, #state = :state, service_url = :url"];
        let mut removed = vec!["reason", "suspect"];
        let mut values = vec![
            (":reference", text(content)),
            (":event_order", text(order.as_str())),
            (":state", text(state(presence))),
            (":url", text(reference.service_url.as_str())),
        ];
        // A reference without these two attributes is in neither index and receives no broadcast.
        // Neither does a reference without a tenant: visitors of a web page are no audience.
        let is_listed = presence == Presence::Active && reference.tenant_id.is_some();
        let kind = ConversationKind::of(reference).filter(|_| is_listed);
        let shard = shard_of(&self.key(reference));
        match kind.map(|kind| self.audience(kind, shard)) {
            Some(audience) => {
                sets.push("audience = :audience");
                values.push((":audience", text(audience)));
            }
            None => removed.push("audience"),
        }
        match kind.and_then(|_| reference.person()) {
            Some(person) => {
                sets.push("#user = :user");
                values.push((":user", text(self.person_key(&person))));
            }
            None => removed.push("#user"),
        }
        if reference.conversation.is_thread() {
            sets.push("#ttl = :ttl");
            let expires_at = received_at.checked_add(THREAD_RETENTION).unwrap_or(received_at);
            values.push((":ttl", number(expires_at.as_second())));
        }
        for (former, condition) in [KEEP_URL, REPLACE_URL] {
            let (sets, removed) = (sets.join(", "), removed.join(", "));
            let request = self
                .update(reference)
                .update_expression(format!("SET {sets}{former} REMOVE {removed}"))
                .condition_expression(format!(
                    "(attribute_not_exists(pk) OR event_order <= :event_order) AND {condition}"
                ))
                .expression_attribute_names("#reference", "reference")
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#user", "user");
            let request = match reference.conversation.is_thread() {
                true => request.expression_attribute_names("#ttl", TTL),
                false => request,
            };
            let with_value = |request: UpdateItemFluentBuilder, (name, value): &(&str, AttributeValue)| {
                request.expression_attribute_values(*name, value.clone())
            };
            let request = values.iter().fold(request, with_value);
            if let Conditional::Written(_) = conditional(request.send().await, "update reference")? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the reference with this key, unless its conversation is inactive.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, key: &ReferenceKey) -> Result<Option<ConversationReference>, StoreError> {
        self.read(key).await?.filter(is_active).map(|item| from_json(&item, "reference")).transpose()
    }

    /// Returns the active ones of the references with these keys, in any order, all on one page.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_all(&self, keys: &[ReferenceKey]) -> Result<Page, StoreError> {
        let found = batch_get::get(&self.table, keys.iter().map(pk).collect()).await?;
        Ok(Page::of(found.iter().filter(|item| is_active(item)), None))
    }

    /// Returns the reference with this key, whether or not its conversation is active.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_including_inactive(
        &self,
        key: &ReferenceKey,
    ) -> Result<Option<ConversationReference>, StoreError> {
        self.read(key).await?.map(|item| from_json(&item, "reference")).transpose()
    }

    /// Whether the conversation is active and had an event after its team or channel was closed, so that an event that
    /// opened it was lost.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn is_active_since(
        &self,
        reference: &ConversationReference,
        closing: &Closing,
    ) -> Result<bool, StoreError> {
        let found = self.read(&self.key(reference)).await?.filter(is_active);
        let order = found.and_then(|item| string(&item, "event_order"));
        Ok(order.is_some_and(|order| EventOrder::is_later(&order, &closing.order)))
    }

    async fn read(&self, key: &ReferenceKey) -> Result<Option<Item>, StoreError> {
        self.table.get(pk(key), SINGLE, "get reference").await
    }

    /// Returns the reference of the personal conversation with `user`.
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
            .index_name(BY_USER)
            .key_condition_expression("#user = :user")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", text(value));
        let found = request.send().await.map_err(|error| StoreError::unavailable("by_user", error))?;
        // One readable reference is enough, even if another is unreadable.
        let read = |item| from_json(item, "reference");
        let readable = found.items().iter().find_map(|item| read(item).ok());
        readable.map(Ok).or_else(|| found.items().first().map(read)).transpose()
    }

    /// Returns a page of the conversations of `kind` in `shard`, at most `limit` of them, starting after `after`.
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
            let key = [("audience", text(&audience)), (PK, text(after)), (SK, text(SINGLE))];
            key.map(|(name, value)| (name.to_owned(), value)).into()
        });
        let request = client
            .query()
            .table_name(name)
            .index_name(BY_AUDIENCE)
            .key_condition_expression("audience = :audience")
            .expression_attribute_values(":audience", text(&audience))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let page = request.send().await.map_err(|error| StoreError::unavailable("by_audience", error))?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| string(key, PK));
        Ok(Page::of(page.items().iter(), last))
    }

    fn update(&self, reference: &ConversationReference) -> UpdateItemFluentBuilder {
        self.table.update(pk(&self.key(reference)), SINGLE)
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
    format!("{REFERENCE}{}", key.as_str())
}

fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Active => "active",
        Presence::Removed => "removed",
    }
}
