//! Attributes of items: how values are put into them and taken out.
//! Which attributes an item has is its store's business.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// One item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Every item has both keys; records that are found by one name have this sort key.
pub(super) const ONLY: &str = "-";

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

pub(super) fn json<T: Serialize>(value: &T, attribute: &'static str) -> Result<AttributeValue, StoreError> {
    encoded(value, attribute).map(AttributeValue::S)
}

/// The JSON of a value, for an attribute.
pub(super) fn encoded<T: Serialize>(value: &T, attribute: &'static str) -> Result<String, StoreError> {
    let json = serde_json::to_string(value);
    json.map_err(|error| StoreError::Unreadable { attribute, cause: Some(error.into()) })
}

pub(super) fn from_json<T: DeserializeOwned>(item: &Item, attribute: &'static str) -> Result<T, StoreError> {
    let missing = StoreError::Unreadable { attribute, cause: None };
    let text = item.get(attribute).and_then(|value| value.as_s().ok()).ok_or(missing)?;
    serde_json::from_str(text)
        .map_err(|error| StoreError::Unreadable { attribute, cause: Some(error.into()) })
}
