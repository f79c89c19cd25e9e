//! Batched reads: many items by their keys in few requests.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::item::{Item, text};
use super::schema::{PK, SINGLE, SK};
use super::{StoreError, Table};

/// Most items in one request.
const MAX_KEYS: usize = 100;

/// Most requests for one chunk, the repetitions for unprocessed keys included.
const MAX_ROUNDS: usize = 5;

/// Whether a read returns every write that was completed before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consistency {
    /// It does.
    Strong,
    /// It may miss those of the last moments; a read then costs half.
    Eventual,
}

/// Returns the items that are alone under these partition keys, in any order; missing ones are left out.
pub(super) async fn get(
    table: &Table,
    pks: Vec<String>,
    consistency: Consistency,
) -> Result<Vec<Item>, StoreError> {
    get_by_keys(table, pks.into_iter().map(|pk| (pk, SINGLE.to_owned())).collect(), consistency).await
}

/// Returns the items with these partition and sort keys, in any order; missing ones are left out.
pub(super) async fn get_by_keys(
    table: &Table,
    mut keys: Vec<(String, String)>,
    consistency: Consistency,
) -> Result<Vec<Item>, StoreError> {
    keys.sort_unstable();
    // DynamoDB rejects a request with a duplicate key.
    keys.dedup();
    let mut found = Vec::new();
    for chunk in keys.chunks(MAX_KEYS) {
        let keys = chunk.iter().map(|(pk, sk)| {
            let key = [(PK, text(pk)), (SK, text(sk))];
            key.map(|(name, value)| (name.to_owned(), value)).into()
        });
        let mut pending = Some(
            KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(unavailable)?,
        );
        for _ in 0..MAX_ROUNDS {
            let Some(keys) = pending.take() else { break };
            let request = table.client.batch_get_item().request_items(&table.name, keys);
            let mut response = Box::pin(request.send()).await.map_err(unavailable)?;
            found.extend(
                response.responses.iter_mut().filter_map(|items| items.remove(&table.name)).flatten(),
            );
            pending = response.unprocessed_keys.and_then(|mut left| left.remove(&table.name));
        }
        if pending.is_some() {
            return Err(unavailable("keys were still unprocessed after five requests"));
        }
    }
    Ok(found)
}

fn unavailable(cause: impl Into<crate::error::BoxError>) -> StoreError {
    StoreError::unavailable("get items", cause)
}
