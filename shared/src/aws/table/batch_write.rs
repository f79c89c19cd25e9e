//! Batched writes: puts and deletes of many items in few requests, without conditions.

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};

use super::item::{Item, text};
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
    let mut writes = Vec::new();
    for (pk, sk) in keys {
        let delete = DeleteRequest::builder().key(PK, text(pk)).key(SK, text(sk)).build();
        let delete = delete.map_err(|error| StoreError::unavailable(operation, error))?;
        writes.push(WriteRequest::builder().delete_request(delete).build());
    }
    write(table, &writes, operation).await
}

/// Writes whole items, which have different keys.
pub(super) async fn put(table: &Table, items: Vec<Item>, operation: &'static str) -> Result<(), StoreError> {
    let mut writes = Vec::new();
    for item in items {
        let put = PutRequest::builder().set_item(Some(item)).build();
        let put = put.map_err(|error| StoreError::unavailable(operation, error))?;
        writes.push(WriteRequest::builder().put_request(put).build());
    }
    write(table, &writes, operation).await
}

async fn write(table: &Table, writes: &[WriteRequest], operation: &'static str) -> Result<(), StoreError> {
    let unavailable = |cause: BoxError| StoreError::unavailable(operation, cause);
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
