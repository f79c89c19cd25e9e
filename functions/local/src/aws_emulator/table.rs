//! The embedded DynamoDB: opens it and creates the table of the template.
//! `operations` handles the requests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError, storage_backend};
use herald::clock::Clock;
use serde_json::{Value, json};

use super::error::StackError;
use super::state_directory::StateDir;
use crate::aws_emulator::template::TableDefinition;

/// The open table.
pub(super) struct Table {
    name: String,
    database: Database,
}

impl Table {
    /// Opens the table, and creates it if it does not exist.
    pub(super) async fn open(
        definition: &TableDefinition,
        state: Option<&StateDir>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StackError> {
        let path = state.map(StateDir::table);
        let database = match &path {
            Some(path) => Database::new(&path.to_string_lossy()),
            None => Database::memory_with_clock(Arc::new(EngineClock(Arc::clone(clock)))),
        };
        let database = database.map_err(StackError::Table)?;
        create(&database, definition, path)?;

        Ok(Self { name: definition.name.clone(), database })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the engine.
    pub(super) fn database(&self) -> Database {
        self.database.clone()
    }

    /// Deletes expired items.
    pub(super) async fn sweep_expired(&self) -> Result<usize, StackError> {
        let database = self.database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        swept.unwrap_or(Ok(0)).map_err(StackError::Table)
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

fn create(
    database: &Database,
    definition: &TableDefinition,
    path: Option<PathBuf>,
) -> Result<(), StackError> {
    let mut wanted = serde_json::to_value(definition).map_err(|error| unwritable(&error))?;
    let name = json!({ "TableName": definition.name });
    let described = database.describe_table(typed(name)?);
    let existing = match described {
        Ok(found) => serde_json::to_value(found).map_err(|error| unwritable(&error))?,
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            wanted["BillingMode"] = json!("PAY_PER_REQUEST");
            database.create_table(typed(wanted)?).map_err(StackError::Table)?;
            let expiry = json!({
                "TableName": definition.name,
                "TimeToLiveSpecification": { "AttributeName": definition.ttl_attribute, "Enabled": true },
            });
            database.update_time_to_live(typed(expiry)?).map_err(StackError::Table)?;
            return Ok(());
        }
        Err(error) => return Err(StackError::Table(error)),
    };
    if shape(&existing["Table"]) == shape(&wanted) {
        Ok(())
    } else {
        Err(StackError::OtherTable(path.unwrap_or_default()))
    }
}

/// Returns keys and indexes by name, without the properties of a running table.
fn shape(table: &Value) -> BTreeMap<String, Value> {
    let mut parts = BTreeMap::from([("key".to_owned(), table["KeySchema"].clone())]);
    for attribute in table["AttributeDefinitions"].as_array().into_iter().flatten() {
        parts.insert(format!("attribute {}", attribute["AttributeName"]), attribute["AttributeType"].clone());
    }
    for index in table["GlobalSecondaryIndexes"].as_array().into_iter().flatten() {
        let projection = &index["Projection"];
        let copied = [&index["KeySchema"], &projection["ProjectionType"], &projection["NonKeyAttributes"]];
        parts.insert(format!("index {}", index["IndexName"]), json!(copied));
    }
    parts
}

fn typed<T: serde::de::DeserializeOwned>(request: Value) -> Result<T, StackError> {
    serde_json::from_value(request).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> StackError {
    StackError::Table(DynoxideError::ValidationException(error.to_string()))
}

/// Adapts a [`Clock`] to the engine.
struct EngineClock(Arc<dyn Clock>);

impl storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().as_second()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}
