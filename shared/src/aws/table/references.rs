//! Store of conversation references and of the persons in them: found by key, by user and by audience shard.
//!
//! Updates are merged; the newest one wins, in whatever order they arrive.

mod keys;
mod rows;
mod service_url;
mod shard;
mod suspension;
mod unreachable;
mod updates;

use jiff::{SignedDuration, Timestamp};

use self::rows::{PersonRow, ReferenceRow, Replaced};
use self::shard::KnownShards;
pub use self::shard::Shard;
pub(super) use self::shard::shard_of;
pub use self::updates::Known;
use super::batch_get::{self, Consistency};
use super::item::{Item, from_json, string, text};
use super::schema::{BY_AUDIENCE, PERSON, PK, REFERENCE, SINGLE, SK};
use super::teams::Closing;
use super::versioned::{self, RecordKey};
use super::{StoreError, Table};
use crate::broadcast::audience::ConversationKind;
use crate::protocol::conversation::{
    ConversationReference, Person, ReferenceKey, ReferenceRecord, ReferenceState, Subject, User,
};
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
    known_shards: KnownShards,
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
    /// Returns the active conversations among `items`, of persons and of references.
    fn of<'a>(items: impl Iterator<Item = &'a Item>, last: Option<String>) -> Self {
        let mut page = Self { references: Vec::new(), unreadable: Vec::new(), last };
        for item in items {
            match active_in(item) {
                Ok(reference) => page.references.extend(reference),
                Err(_) => page.unreadable.extend(string(item, PK)),
            }
        }
        page
    }
}

/// Returns the primary conversation in the item of a person, or the one in the item of a reference; `None` where it is
/// inactive.
fn active_in(item: &Item) -> Result<Option<ConversationReference>, StoreError> {
    if item.contains_key("person") {
        let person: Person = from_json(item, "person")?;
        return Ok(person.primary());
    }
    // Only active references are in an index, which does not carry the state.
    let is_active = item.get("state").is_none_or(|state| *state == text("active"));
    let reference = from_json(item, "reference")?;
    Ok(is_active.then_some(reference))
}

impl ReferenceStore {
    /// Returns the store of references of the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into(), known_shards: KnownShards::default() }
    }

    /// Returns the reference with this key, unless its conversation is inactive.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, key: &ReferenceKey) -> Result<Option<ConversationReference>, StoreError> {
        let active = self.read(key).await?.filter(|row| row.record.state == ReferenceState::Active);
        Ok(active.map(|row| row.record.reference))
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
        Ok(self.read(key).await?.map(|row| row.record.reference))
    }

    /// Whether the conversation is active and had an activity after its team or channel was closed, so that the event that
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
        let found = self.read(&self.key(reference)).await?;
        Ok(found.is_some_and(|row| {
            row.record.state == ReferenceState::Active && row.record.order.time() > closing.order.time()
        }))
    }

    async fn read(&self, key: &ReferenceKey) -> Result<Option<ReferenceRow>, StoreError> {
        versioned::read(&self.table, &RecordKey { pk: pk(key), sk: SINGLE.into() }).await
    }

    /// Returns the record of `user`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn person(&self, user: &User) -> Result<Option<Person>, StoreError> {
        let row: Option<PersonRow> = versioned::read(&self.table, &self.person_record(user)).await?;
        Ok(row.map(|row| row.person))
    }

    /// Returns the primary conversation of `user`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn find(&self, user: &User) -> Result<Option<ConversationReference>, StoreError> {
        Ok(self.person(user).await?.and_then(|person| person.primary()))
    }

    /// Returns the conversations of these `subjects`, in any order, all on one page: the primary one of a person, and a
    /// conversation itself while it is active.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_subjects(&self, subjects: &[Subject]) -> Result<Page, StoreError> {
        let pk = |subject: &Subject| match subject {
            Subject::Person(key) => person_pk(key),
            Subject::Conversation(key) => pk(key),
        };
        let found =
            batch_get::get(&self.table, subjects.iter().map(pk).collect(), Consistency::Strong).await?;
        Ok(Page::of(found.iter(), None))
    }

    /// Returns a page of the conversations of `kind` in `shard`, at most `limit` of them, starting after `after`. A person
    /// is listed once, with the primary conversation.
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
        let page =
            Box::pin(request.send()).await.map_err(|error| StoreError::unavailable("by_audience", error))?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| string(key, PK));
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

    /// Returns the item of a reference. In an audience are active conversations of a tenant, for visitors of a web page are
    /// none; a person is listed by their own item.
    fn reference_row(&self, replaced: &Replaced, record: ReferenceRecord) -> ReferenceRow {
        let reference = &record.reference;
        let is_listed = record.state == ReferenceState::Active
            && reference.tenant_id.is_some()
            && reference.person().is_none();
        let kind = ConversationKind::of(reference).filter(|_| is_listed);
        let shard = shard_of(self.key(reference).as_str());
        let expires_at = record.order.time().checked_add(THREAD_RETENTION).ok();
        let audience = kind.map(|kind| self.audience(kind, shard));
        ReferenceRow {
            revision: replaced.revision,
            new_listing: kind
                .filter(|_| audience != replaced.audience)
                .map(|kind| self.new_listing(kind, shard)),
            audience,
            expires_at: expires_at.filter(|_| reference.conversation.is_thread()).map(Timestamp::as_second),
            record,
        }
    }

    /// Returns the item of a person, who is in the audience while the agent may write to them.
    fn person_row(&self, replaced: &Replaced, person: Person) -> PersonRow {
        let shard = shard_of(&self.person_key(person.user()));
        let kind = person.is_reachable().then_some(ConversationKind::Personal);
        let audience = kind.map(|kind| self.audience(kind, shard));
        let new_listing =
            kind.filter(|_| audience != replaced.audience).map(|kind| self.new_listing(kind, shard));
        PersonRow { revision: replaced.revision, person, audience, new_listing }
    }

    fn person_record(&self, user: &User) -> RecordKey {
        RecordKey { pk: person_pk(&self.person_key(user)), sk: SINGLE.into() }
    }
}

fn pk(key: &ReferenceKey) -> String {
    format!("{REFERENCE}{}", key.as_str())
}

fn person_pk(key: &str) -> String {
    format!("{PERSON}{key}")
}
