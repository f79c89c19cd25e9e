//! The embedded DynamoDB: opens it, creates the template's table in it and serves it on a port of its own.
//! It reads no request; the engine does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError, storage_backend};
use herald::clock::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{StackError, StateDir};
use crate::template::TableDefinition;

/// The running table. Dropping it stops it.
pub(super) struct Table {
    name: String,
    endpoint: String,
    database: Database,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), String>>,
}

impl Table {
    /// Opens the table, which is created when it does not exist.
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

        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(StackError::Listen)?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(StackError::Listen)?);
        let (stop, stopped) = oneshot::channel();
        let server = dynoxide::server::serve_with_shutdown(listener, database.clone(), async {
            // An error means that the sender was dropped, which stops it as well.
            let _ = stopped.await;
        });
        Ok(Self { name: definition.name.clone(), endpoint, database, stop, server: tokio::spawn(server) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The address of this table alone.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Removes the items whose time is up.
    pub(super) async fn sweep_expired(&self) -> Result<usize, StackError> {
        let database = self.database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        swept.unwrap_or(Ok(0)).map_err(StackError::Table)
    }

    /// Lets the requests under way finish.
    pub(super) async fn stop(self) -> Result<(), StackError> {
        drop(self.stop);
        match self.server.await {
            Ok(Err(reason)) => Err(StackError::Listen(std::io::Error::other(reason))),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
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

/// Keys and indexes by name, without what only a living table has.
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

/// Our clock as the engine's.
struct EngineClock(Arc<dyn Clock>);

impl storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().as_second()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}
