//! Who subscribed to which topic, in the table: listed by topic, in shards, by key alone.
//! What a subscriber has muted since is [`crate::broadcast::preferences`]'s to say.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::batch_get;
use super::item::{Item, number, text};
use super::references::shard_of;
use super::{StoreError, Table};
use crate::agent::topic::Topic;
use crate::hash;
use crate::protocol::conversation::ReferenceKey;
use crate::protocol::ids::ClientId;

/// The parts that the subscribers of a topic are listed in.
pub const SUBSCRIBER_SHARDS: u16 = 16;

/// How long it is known that somebody unsubscribed: what was said before and is repeated is repeated within a day.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(48);

/// The subscriptions of one agent in one cloud.
#[derive(Debug, Clone)]
pub struct SubscriptionStore {
    table: Table,
    client_id: ClientId,
    cloud: String,
}

/// Whether somebody is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// They are to be told.
    On,
    /// They are not.
    Off,
}

/// A page of subscribers.
#[derive(Debug)]
pub struct Subscribers {
    /// Their conversations.
    pub references: Vec<ReferenceKey>,
    /// What the last one is found by; `None` on the last page.
    pub last: Option<String>,
}

impl SubscriptionStore {
    /// The subscriptions to the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into() }
    }

    /// Keeps at `now` what was said at `at` of `topic` in the conversation `reference`, unless something later was.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put(
        &self,
        topic: &Topic,
        reference: &ReferenceKey,
        subscription: Subscription,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let mut request = client
            .put_item()
            .table_name(name)
            .item("pk", text(self.pk(topic, shard_of_subscriber(reference))))
            .item("sk", text(reference.as_str()))
            .item("said_at", number(at.as_millisecond()))
            .item("written_at", number(now.as_millisecond()))
            .item("subscription", text(word(subscription)))
            .condition_expression("attribute_not_exists(pk) OR said_at <= :at")
            .expression_attribute_values(":at", number(at.as_millisecond()));
        if subscription == Subscription::Off {
            let ends = at.checked_add(REMEMBERED).unwrap_or(at);
            request = request.item("ttl", number(ends.as_second()));
        }
        match request.send().await {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Err(StoreError::unavailable("put subscription", error))
            }
            _ => Ok(()),
        }
    }

    /// A page of those who are subscribed to `topic`, in one of its shards, looking at `limit` records behind `after`.
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
        let Table { client, name } = &self.table;
        let pk = self.pk(topic, shard);
        let start = after.map(|after| {
            let key = [("pk", text(&pk)), ("sk", text(after))];
            key.map(|(name, value)| (name.to_owned(), value)).into()
        });
        let request = client
            .query()
            .table_name(name)
            .key_condition_expression("pk = :pk")
            .filter_expression("subscription = :on")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":on", text(word(Subscription::On)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let page =
            request.send().await.map_err(|error| StoreError::unavailable("list subscribers", error))?;
        let references = page.items().iter().filter_map(subscriber).map(ReferenceKey::stored).collect();
        Ok(Subscribers { references, last: page.last_evaluated_key.as_ref().and_then(subscriber) })
    }

    /// Which of the conversations `keys` are subscribed to `topic`, and when that was written last.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn among(
        &self,
        topic: &Topic,
        keys: &[ReferenceKey],
    ) -> Result<HashMap<ReferenceKey, Timestamp>, StoreError> {
        let key = |key: &ReferenceKey| (self.pk(topic, shard_of_subscriber(key)), key.as_str().to_owned());
        let items = batch_get::get_by_keys(&self.table, keys.iter().map(key).collect()).await?;
        let is_on = |item: &&Item| item.get("subscription") == Some(&text(word(Subscription::On)));
        let written = |item: &Item| item.get("written_at")?.as_n().ok()?.parse().ok();
        let found = items.iter().filter(is_on).map(|item| {
            let millisecond =
                written(item).ok_or(StoreError::Unreadable { attribute: "written_at", cause: None })?;
            let at = Timestamp::from_millisecond(millisecond);
            let at = at.map_err(|error| StoreError::Unreadable {
                attribute: "written_at",
                cause: Some(error.into()),
            })?;
            let key = subscriber(item).ok_or(StoreError::Unreadable { attribute: "sk", cause: None })?;
            Ok((ReferenceKey::stored(key), at))
        });
        found.collect()
    }

    fn pk(&self, topic: &Topic, shard: u16) -> String {
        let topic = hash::sha256(&[self.client_id.as_str(), &self.cloud, topic.as_str()]);
        format!("topic#{topic}#{shard}")
    }
}

/// The part that a conversation's subscriptions are listed in.
fn shard_of_subscriber(reference: &ReferenceKey) -> u16 {
    u16::from(shard_of(reference).0) % SUBSCRIBER_SHARDS
}

/// Whose subscription an item, or a key of one, is.
fn subscriber(item: &Item) -> Option<String> {
    item.get("sk").and_then(|key| key.as_s().ok()).cloned()
}

fn word(subscription: Subscription) -> &'static str {
    match subscription {
        Subscription::On => "on",
        Subscription::Off => "off",
    }
}
