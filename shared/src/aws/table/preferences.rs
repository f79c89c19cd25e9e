//! Store of preferences: one versioned record for each person, and for each conversation of several.
//!
//! They are not part of the conversation reference, which every activity overwrites.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;

use super::batch_get::{self, Consistency};
use super::item::{Item, from_json, json, missing, parsed, string};
use super::schema::{PK, PREFERENCES, REVISION, SINGLE};
use super::versioned::{self, Decision, OnConflict, RecordKey, Versioned};
use super::{StoreError, Table};
use crate::broadcast::preferences::Preferences;

/// Store of preferences.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{PreferenceStore, StoreError};
/// use herald::broadcast::preferences::Setting;
/// use jiff::Timestamp;
///
/// async fn mute(preferences: &PreferenceStore, subject: &str, now: Timestamp) -> Result<(), StoreError> {
///     preferences.change(subject, |preferences| preferences.set_muted(None, Setting::Muted, now)).await
/// }
/// ```
#[derive(Debug, Clone)]
pub struct PreferenceStore {
    table: Table,
}

#[derive(Default)]
struct Record {
    revision: u64,
    preferences: Preferences,
}

/// Preferences do not expire.
impl Versioned for Record {
    const GET: &'static str = "get preferences";
    const PUT: &'static str = "put preferences";
    const MAX_ROUNDS: usize = 8;

    fn revision(&self) -> u64 {
        self.revision
    }

    fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError> {
        Ok(put.item("preferences", json(&self.preferences, "preferences")?))
    }

    fn decode(item: &Item) -> Result<Self, StoreError> {
        let revision = parsed(item, REVISION).ok_or_else(|| missing(REVISION))?;
        Ok(Self { revision, preferences: from_json(item, "preferences")? })
    }
}

impl PreferenceStore {
    /// Returns the store of preferences in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Returns the stored preferences of `subjects`, `None` for a record that cannot be read. A change of the last moments
    /// may be missed.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_all(
        &self,
        subjects: &[String],
    ) -> Result<BTreeMap<String, Option<Preferences>>, StoreError> {
        let keys = subjects.iter().map(|subject| record_key(subject).pk).collect();
        let mut found = BTreeMap::new();
        for item in batch_get::get(&self.table, keys, Consistency::Eventual).await? {
            let pk = string(&item, PK);
            let subject = pk.as_deref().and_then(|pk| pk.strip_prefix(PREFERENCES));
            let subject = subject.ok_or_else(|| missing(PK))?;
            found.insert(subject.to_owned(), from_json(&item, "preferences").ok());
        }
        Ok(found)
    }

    /// Applies `change` to the preferences of `subject`. It may be called more than once.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the change may have been applied all the same, so it must be idempotent.
    pub async fn change(
        &self,
        subject: &str,
        change: impl Fn(Preferences) -> Preferences,
    ) -> Result<(), StoreError> {
        let decide = |stored: Option<Record>| {
            let Record { revision, preferences: stored } = stored.unwrap_or_default();
            let preferences = change(stored.clone());
            if preferences == stored {
                return Decision::Keep(());
            }
            Decision::Write(Record { revision, preferences }, ())
        };
        let key = record_key(subject);
        versioned::modify(&self.table, &key, OnConflict::ReadAgain, decide).await.map(drop)
    }
}

fn record_key(subject: &str) -> RecordKey {
    RecordKey { pk: format!("{PREFERENCES}{subject}"), sk: SINGLE.into() }
}
