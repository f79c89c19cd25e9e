//! Items of references and of persons, each a versioned record. Both carry the audience shard they are listed in.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;

use super::shard::NewListing;
use crate::aws::table::item::{Item, from_json, json, missing, number, parsed, string, text};
use crate::aws::table::schema::{REVISION, TTL};
use crate::aws::table::versioned::{RecordKey, Versioned};
use crate::aws::table::{StoreError, Table};
use crate::protocol::conversation::lifecycle::EventOrder;
use crate::protocol::conversation::{Person, ReferenceRecord, ReferenceState};
use crate::protocol::service_url::ServiceUrl;

/// Item of a reference.
#[derive(Debug, Clone)]
pub(super) struct ReferenceRow {
    pub(super) revision: u64,
    pub(super) record: ReferenceRecord,
    /// Audience that lists it.
    pub(super) audience: Option<String>,
    /// Its listing, where the record that it replaces is not listed.
    pub(super) new_listing: Option<NewListing>,
    /// When it expires, in seconds since 1970; set for threads.
    pub(super) expires_at: Option<i64>,
}

/// Item of a person.
#[derive(Debug, Clone)]
pub(super) struct PersonRow {
    pub(super) revision: u64,
    pub(super) person: Person,
    /// Audience that lists the person.
    pub(super) audience: Option<String>,
    /// Its listing, where the record that it replaces is not listed.
    pub(super) new_listing: Option<NewListing>,
}

/// What a row replaces.
#[derive(Debug, Clone, Default)]
pub(super) struct Replaced {
    /// Its revision; 0 where there is no row.
    pub(super) revision: u64,
    /// Audience that lists it.
    pub(super) audience: Option<String>,
}

impl Versioned for ReferenceRow {
    const GET: &'static str = "get reference";
    const PUT: &'static str = "put reference";
    const MAX_ROUNDS: usize = 8;
    const MAY_EXPIRE: bool = true;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let record = &self.record;
        let optional = |name: &str, value: Option<&str>, put: PutItemFluentBuilder| match value {
            Some(value) => put.item(name, text(value)),
            None => put,
        };
        let put = put
            .item("reference", json(&record.reference, "reference")?)
            .item("details", json(&record.details, "details")?)
            .item("event_order", text(record.order.as_str()))
            .item("state", text(name_of(record.state)));
        let put = optional("reason", record.reason.as_deref(), put);
        let put = optional("suspect", record.suspect.as_deref(), put);
        let put = optional("former_url", record.former_url.as_ref().map(ServiceUrl::as_str), put);
        let put = match self.expires_at {
            Some(expires_at) => put.item(TTL, number(expires_at)),
            None => put,
        };
        Ok(optional("audience", self.audience.as_deref(), put))
    }

    async fn prepare(self, table: &Table, _key: &RecordKey) -> Result<Self, StoreError> {
        if let Some(listing) = &self.new_listing {
            listing.prepare(table).await?;
        }
        Ok(self)
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        let order = string(item, "event_order").ok_or_else(|| missing("event_order"))?;
        let state = string(item, "state").and_then(|name| state_named(&name));
        Ok(Self {
            revision: parsed(item, REVISION).ok_or_else(|| missing(REVISION))?,
            audience: string(item, "audience"),
            new_listing: None,
            expires_at: parsed(item, TTL),
            record: ReferenceRecord {
                reference: from_json(item, "reference")?,
                details: from_json(item, "details")?,
                order: EventOrder::stored(order),
                state: state.ok_or_else(|| missing("state"))?,
                reason: string(item, "reason"),
                suspect: string(item, "suspect"),
                former_url: string(item, "former_url").and_then(|url| ServiceUrl::new(&url).ok()),
            },
        })
    }

    fn is_stored_as(&self, stored: &Self) -> bool {
        self.revision == stored.revision && self.record == stored.record
    }
}

impl Versioned for PersonRow {
    const GET: &'static str = "get person";
    const PUT: &'static str = "put person";
    const MAX_ROUNDS: usize = 8;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        let put = put.item("person", json(&self.person, "person")?);
        Ok(match &self.audience {
            Some(audience) => put.item("audience", text(audience)),
            None => put,
        })
    }

    async fn prepare(self, table: &Table, _key: &RecordKey) -> Result<Self, StoreError> {
        if let Some(listing) = &self.new_listing {
            listing.prepare(table).await?;
        }
        Ok(self)
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        Ok(Self {
            revision: parsed(item, REVISION).ok_or_else(|| missing(REVISION))?,
            person: from_json(item, "person")?,
            audience: string(item, "audience"),
            new_listing: None,
        })
    }

    fn is_stored_as(&self, stored: &Self) -> bool {
        self.revision == stored.revision && self.person == stored.person
    }
}

fn name_of(state: ReferenceState) -> &'static str {
    match state {
        ReferenceState::Active => "active",
        ReferenceState::Removed => "removed",
        ReferenceState::Suspended => "suspended",
        ReferenceState::Dropped => "dropped",
    }
}

fn state_named(name: &str) -> Option<ReferenceState> {
    let states =
        [ReferenceState::Active, ReferenceState::Removed, ReferenceState::Suspended, ReferenceState::Dropped];
    states.into_iter().find(|state| name_of(*state) == name)
}
