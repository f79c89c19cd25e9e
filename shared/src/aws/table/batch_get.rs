//! Many items by their keys, in few requests.
//! What is in them is their store's business.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::item::{Item, ONLY, text};
use super::{StoreError, Table};

/// Most items of one request.
const MAX_KEYS: usize = 100;

/// How often what the table left out is asked for again.
const MAX_ROUNDS: usize = 5;

/// The items that are alone under these partition keys, as far as there are any, in any order.
pub(super) async fn get(table: &Table, pks: Vec<String>) -> Result<Vec<Item>, StoreError> {
    get_by_keys(table, pks.into_iter().map(|pk| (pk, ONLY.to_owned())).collect()).await
}

/// The items with these keys, of partition and sort, as far as there are any, in any order.
pub(super) async fn get_by_keys(
    table: &Table,
    mut keys: Vec<(String, String)>,
) -> Result<Vec<Item>, StoreError> {
    keys.sort_unstable();
    // The table refuses a key that is asked for twice.
    keys.dedup();
    let mut found = Vec::new();
    for chunk in keys.chunks(MAX_KEYS) {
        let keys = chunk.iter().map(|(pk, sk)| {
            let key = [("pk", text(pk)), ("sk", text(sk))];
            key.map(|(name, value)| (name.to_owned(), value)).into()
        });
        let mut asked = Some(
            KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .consistent_read(true)
                .build()
                .map_err(unavailable)?,
        );
        for _ in 0..MAX_ROUNDS {
            let Some(keys) = asked.take() else { break };
            let request = table.client.batch_get_item().request_items(&table.name, keys);
            let mut answer = request.send().await.map_err(unavailable)?;
            found.extend(answer.responses.iter_mut().filter_map(|items| items.remove(&table.name)).flatten());
            asked = answer.unprocessed_keys.and_then(|mut left| left.remove(&table.name));
        }
        if asked.is_some() {
            return Err(unavailable("it left out items five times"));
        }
    }
    Ok(found)
}

fn unavailable(cause: impl Into<crate::error::BoxError>) -> StoreError {
    StoreError::unavailable("get items", cause)
}
