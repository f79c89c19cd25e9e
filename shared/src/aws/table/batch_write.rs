//! Batched writes: deletes of many items by their keys in few requests.

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};

use super::item::text;
use super::schema::{PK, SK};
use super::{StoreError, Table};
use crate::error::BoxError;

/// Most writes in one request.
const MAX_WRITES: usize = 25;

/// Most requests for one chunk, the repetitions of unprocessed writes included.
const MAX_ROUNDS: usize = 5;

/// Deletes the items with these partition and sort keys, which are different ones; succeeds when they are gone.
pub(super) async fn delete(
    table: &Table,
    keys: Vec<(String, String)>,
    operation: &'static str,
) -> Result<(), StoreError> {
    let unavailable = |cause: BoxError| StoreError::unavailable(operation, cause);
    let mut writes = Vec::new();
    for (pk, sk) in keys {
        let delete = DeleteRequest::builder().key(PK, text(pk)).key(SK, text(sk)).build();
        let delete = delete.map_err(|error| unavailable(error.into()))?;
        writes.push(WriteRequest::builder().delete_request(delete).build());
    }
    for chunk in writes.chunks(MAX_WRITES) {
        let mut pending = chunk.to_vec();
        for _ in 0..MAX_ROUNDS {
            if pending.is_empty() {
                break;
            }
            let request = table.client.batch_write_item().request_items(&table.name, pending);
            let response = Box::pin(request.send()).await.map_err(|error| unavailable(error.into()))?;
            let left = response.unprocessed_items.and_then(|mut left| left.remove(&table.name));
            pending = left.unwrap_or_default();
        }
        if !pending.is_empty() {
            return Err(unavailable("writes were still unprocessed after five requests".into()));
        }
    }
    Ok(())
}
