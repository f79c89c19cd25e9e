//! Store of subscriptions to topics: listed by topic, in shards, by person or conversation.
//!
//! [`crate::broadcast::preferences`] decides what a subscriber has muted.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::batch_get::{self, Consistency};
use super::item::{Item, missing, number, parsed, string, text};
use super::references::shard_of;
use super::requests::conditional;
use super::schema::{PK, SK, TOPIC, TTL};
use super::{StoreError, Table};
use crate::agent::topic::Topic;
use crate::hash;
use crate::protocol::conversation::{ReferenceKey, Subject};
use crate::protocol::ids::ClientId;

/// Number of parts that the subscribers of a topic are listed in.
pub const SUBSCRIBER_SHARDS: u16 = 16;

/// Retention of an ended subscription; an older change that arrives late arrives within a day.
const RETENTION: SignedDuration = SignedDuration::from_hours(48);

/// Store of the subscriptions to one agent in one cloud.
///
/// # Examples
///
/// ```no_run
/// use herald::agent::Topic;
/// use herald::aws::table::{StoreError, Subscription, SubscriptionStore};
/// use herald::protocol::conversation::Subject;
/// use jiff::Timestamp;
///
/// async fn subscribe(
///     subscriptions: &SubscriptionStore,
///     topic: &Topic,
///     subject: &Subject,
///     now: Timestamp,
/// ) -> Result<(), StoreError> {
///     subscriptions.put(topic, subject, Subscription::On, now, now).await
/// }
/// ```
#[derive(Debug, Clone)]
pub struct SubscriptionStore {
    table: Table,
    client_id: ClientId,
    cloud: String,
}

/// Subscription state of a person or a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// Subscribed.
    On,
    /// Not subscribed.
    Off,
}

/// Page of subscribers.
#[derive(Debug)]
pub struct Subscribers {
    /// Persons and conversations.
    pub subjects: Vec<Subject>,
    /// Where the next page starts; `None` on the last page.
    pub last: Option<String>,
}

impl SubscriptionStore {
    /// Returns the store of subscriptions to the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into() }
    }

    /// Stores at `now` a change of a subscription that was made at `at`, unless a later change is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put(
        &self,
        topic: &Topic,
        subject: &Subject,
        subscription: Subscription,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut request = self
            .table
            .put(self.pk(topic, shard_of_subscriber(subject)), subject.as_str())
            .item("subject", text(kind_of(subject)))
            .item("changed_at", number(at.as_millisecond()))
            .item("written_at", number(now.as_millisecond()))
            .item("subscription", text(name(subscription)))
            .condition_expression("attribute_not_exists(pk) OR changed_at <= :at")
            .expression_attribute_values(":at", number(at.as_millisecond()));
        if subscription == Subscription::Off {
            let ends = at.checked_add(RETENTION).unwrap_or(at);
            request = request.item(TTL, number(ends.as_second()));
        }
        conditional(request.send().await, "put subscription").map(drop)
    }

    /// Returns a page of the subscribers to `topic` in one of its shards, reading `limit` records after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(
        &self,
        topic: &Topic,
        shard: u16,
        after: Option<String>,
        limit: usize,
    ) -> Result<Subscribers, StoreError> {
        let pk = self.pk(topic, shard);
        let start = after.map(|after| {
            let key = [(PK, text(&pk)), (SK, text(after))];
            key.map(|(name, value)| (name.to_owned(), value)).into()
        });
        let request = self
            .table
            .query(pk)
            .filter_expression("subscription = :on")
            .expression_attribute_values(":on", text(name(Subscription::On)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let page =
            request.send().await.map_err(|error| StoreError::unavailable("list subscribers", error))?;
        let subjects = page.items().iter().filter_map(|item| subscriber(item).ok()).collect();
        Ok(Subscribers { subjects, last: page.last_evaluated_key.as_ref().and_then(|key| string(key, SK)) })
    }

    /// Returns those of `subjects` that are subscribed to `topic`, and when each record was written.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn filter_subscribed(
        &self,
        topic: &Topic,
        subjects: &[Subject],
    ) -> Result<HashMap<Subject, Timestamp>, StoreError> {
        let key =
            |subject: &Subject| (self.pk(topic, shard_of_subscriber(subject)), subject.as_str().to_owned());
        let items =
            batch_get::get_by_keys(&self.table, subjects.iter().map(key).collect(), Consistency::Strong)
                .await?;
        let is_on = |item: &&Item| item.get("subscription") == Some(&text(name(Subscription::On)));
        let found = items.iter().filter(is_on).map(|item| {
            let at = parsed(item, "written_at").and_then(|at| Timestamp::from_millisecond(at).ok());
            Ok((subscriber(item)?, at.ok_or_else(|| missing("written_at"))?))
        });
        found.collect()
    }

    fn pk(&self, topic: &Topic, shard: u16) -> String {
        let topic = hash::sha256(&[self.client_id.as_str(), &self.cloud, topic.as_str()]);
        format!("{TOPIC}{topic}#{shard}")
    }
}

/// Returns the part that the subscriptions of a person or conversation are listed in.
fn shard_of_subscriber(subject: &Subject) -> u16 {
    u16::from(shard_of(subject.as_str()).0) % SUBSCRIBER_SHARDS
}

/// Returns the person or conversation in an item.
fn subscriber(item: &Item) -> Result<Subject, StoreError> {
    let key = string(item, SK).ok_or_else(|| missing(SK))?;
    match string(item, "subject").as_deref() {
        Some("person") => Ok(Subject::Person(key)),
        Some("conversation") => Ok(Subject::Conversation(ReferenceKey::stored(key))),
        Some(_) | None => Err(missing("subject")),
    }
}

fn kind_of(subject: &Subject) -> &'static str {
    match subject {
        Subject::Person(_) => "person",
        Subject::Conversation(_) => "conversation",
    }
}

fn name(subscription: Subscription) -> &'static str {
    match subscription {
        Subscription::On => "on",
        Subscription::Off => "off",
    }
}
