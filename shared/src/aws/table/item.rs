//! Attribute values of items: encodes values into them and decodes them again.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// Attributes of one item by name.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Returns a string attribute.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Returns a number attribute.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Returns a string attribute with the JSON of `value`.
pub(super) fn json<T: Serialize>(value: &T, attribute: &'static str) -> Result<AttributeValue, StoreError> {
    encoded(value, attribute).map(AttributeValue::S)
}

/// Returns the JSON of `value`, to be stored in `attribute`.
pub(super) fn encoded<T: Serialize>(value: &T, attribute: &'static str) -> Result<String, StoreError> {
    let json = serde_json::to_string(value);
    json.map_err(|error| StoreError::Unreadable { attribute, cause: Some(error.into()) })
}

/// Decodes the JSON in `attribute` of `item`.
pub(super) fn from_json<T: DeserializeOwned>(item: &Item, attribute: &'static str) -> Result<T, StoreError> {
    let text = item.get(attribute).and_then(|value| value.as_s().ok()).ok_or_else(|| missing(attribute))?;
    serde_json::from_str(text)
        .map_err(|error| StoreError::Unreadable { attribute, cause: Some(error.into()) })
}

/// Parses the number in `attribute` of `item`; `None` when it is missing or malformed.
pub(super) fn parsed<T: std::str::FromStr>(item: &Item, attribute: &str) -> Option<T> {
    item.get(attribute)?.as_n().ok()?.parse().ok()
}

/// Returns the string in `attribute` of `item`.
pub(super) fn string(item: &Item, attribute: &str) -> Option<String> {
    item.get(attribute)?.as_s().ok().cloned()
}

/// Returns the error for an item whose `attribute` is missing or malformed.
pub(super) fn missing(attribute: &'static str) -> StoreError {
    StoreError::Unreadable { attribute, cause: None }
}
