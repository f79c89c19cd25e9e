//! What people want to be spared, in the table: by person, and by conversation where there is no one person.
//! They are no part of the conversation reference, which every activity writes anew.

use std::collections::BTreeMap;

use super::item::from_json;
use super::versioned::{self, Place};
use super::{StoreError, Table, batch_get};
use crate::broadcast::preferences::Preferences;

/// What a key begins with.
const PREFIX: &str = "courtesy#";

const ATTRIBUTE: &str = "courtesy";

/// The preferences in the table.
#[derive(Debug, Clone)]
pub struct PreferenceStore {
    table: Table,
}

impl PreferenceStore {
    /// The preferences in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// What each of `subjects` wants to be spared, `None` where that cannot be read; who said nothing is not among them.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get_all(
        &self,
        subjects: &[String],
    ) -> Result<BTreeMap<String, Option<Preferences>>, StoreError> {
        let keys = subjects.iter().map(|subject| place(subject).pk).collect();
        let mut found = BTreeMap::new();
        for item in batch_get::get(&self.table, keys).await? {
            let subject = item.get("pk").and_then(|pk| pk.as_s().ok()?.strip_prefix(PREFIX));
            let subject = subject.ok_or(StoreError::Unreadable { attribute: "pk", cause: None })?;
            found.insert(subject.to_owned(), from_json(&item, ATTRIBUTE).ok());
        }
        Ok(found)
    }

    /// Makes `change` in what `subject` wants to be spared. It may be called more than once.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the change may then have been made, and is to be one that can be made twice.
    pub async fn change(
        &self,
        subject: &str,
        change: impl Fn(Preferences) -> Preferences,
    ) -> Result<(), StoreError> {
        // They hold until something else is said, however long that takes.
        versioned::change(&self.table, &place(subject), |_: &Preferences| None, change).await
    }
}

fn place(subject: &str) -> Place {
    Place { pk: format!("{PREFIX}{subject}"), attribute: ATTRIBUTE }
}
