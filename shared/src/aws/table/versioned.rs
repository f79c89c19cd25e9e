//! Records that are read, changed by a pure function and written if nobody was faster.
//! What is in them, and how long they are kept, is said by whose they are.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::{Item, ONLY, from_json, json, number, text};
use super::{StoreError, Table};

/// How often a change is made anew when others write in between.
const MAX_ROUNDS: usize = 8;

/// Where a record is, and what its attribute is called.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) pk: String,
    pub(super) attribute: &'static str,
}

/// The record at `place` with its revision; the default where there is none.
pub(super) async fn read<T: DeserializeOwned + Default>(
    table: &Table,
    place: &Place,
) -> Result<(u64, T), StoreError> {
    let Table { client, name } = table;
    let request = client.get_item().table_name(name).consistent_read(true);
    let found = request.key("pk", text(&place.pk)).key("sk", text(ONLY)).send().await;
    let found = found.map_err(|error| StoreError::unavailable("get record", error))?;
    let revision = |item: &Item| item.get("revision")?.as_n().ok()?.parse().ok();
    let Some(item) = found.item else { return Ok((0, T::default())) };
    let unreadable = StoreError::Unreadable { attribute: "revision", cause: None };
    Ok((revision(&item).ok_or(unreadable)?, from_json(&item, place.attribute)?))
}

/// Makes `change`, maybe more than once, and keeps what comes of it until the second that `ends` says, if it says one.
pub(super) async fn change<T: DeserializeOwned + Serialize + Default + PartialEq + Clone>(
    table: &Table,
    place: &Place,
    ends: impl Fn(&T) -> Option<i64>,
    change: impl Fn(T) -> T,
) -> Result<(), StoreError> {
    for _ in 0..MAX_ROUNDS {
        let (revision, there) = read::<T>(table, place).await?;
        let changed = change(there.clone());
        if changed == there || put(table, place, &changed, ends(&changed), revision).await? {
            return Ok(());
        }
    }
    Err(StoreError::Contended)
}

/// The write that is made where the record is at `revision`, or is not there where that is 0.
pub(super) fn at_revision(put: PutItemFluentBuilder, revision: u64) -> PutItemFluentBuilder {
    match revision {
        0 => put.condition_expression("attribute_not_exists(pk)"),
        _ => put
            .condition_expression("revision = :based_on")
            .expression_attribute_values(":based_on", number(revision)),
    }
}

/// Whether it was written, which it is not over another revision.
async fn put<T: Serialize>(
    table: &Table,
    place: &Place,
    record: &T,
    ends: Option<i64>,
    based_on: u64,
) -> Result<bool, StoreError> {
    let Table { client, name } = table;
    let mut request = client
        .put_item()
        .table_name(name)
        .item("pk", text(&place.pk))
        .item("sk", text(ONLY))
        .item("revision", number(based_on + 1))
        .item(place.attribute, json(record, place.attribute)?);
    if let Some(ends) = ends {
        request = request.item("ttl", number(ends));
    }
    match at_revision(request, based_on).send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
        {
            Ok(false)
        }
        Err(error) => Err(StoreError::unavailable("put record", error)),
    }
}
