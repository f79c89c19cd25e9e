//! The table definition of the template.
//! Capacity, backup and encryption settings are ignored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Document, Resource};
use super::error::TemplateError;

/// Keys, indexes and time to live of the table; serializes as a `CreateTable` request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TableDefinition {
    /// The local name.
    #[serde(rename = "TableName")]
    pub name: String,
    /// The attributes of keys.
    #[serde(rename = "AttributeDefinitions")]
    pub attributes: Vec<AttributeDefinition>,
    /// The primary key.
    pub key_schema: Vec<KeyPart>,
    /// The global secondary indexes.
    #[serde(rename = "GlobalSecondaryIndexes", skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexDefinition>,
    /// The time-to-live attribute.
    #[serde(skip)]
    pub ttl_attribute: String,
}

/// The name and type of a key attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    /// Name.
    pub attribute_name: String,
    /// `S`, `N` or `B`.
    pub attribute_type: String,
}

/// One part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyPart {
    /// The name of the attribute.
    pub attribute_name: String,
    /// `HASH` or `RANGE`.
    pub key_type: String,
}

/// One global secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IndexDefinition {
    /// Name.
    pub index_name: String,
    /// Its key.
    pub key_schema: Vec<KeyPart>,
    /// The projection.
    pub projection: Projection,
}

/// The projection of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection_type: String,
    /// The attributes of an `INCLUDE` projection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_key_attributes: Option<Vec<String>>,
}

/// Returns the definition of the resource `Table`.
pub(super) fn read(document: &Document) -> Result<TableDefinition, TemplateError> {
    let table = document
        .resources()
        .find(|resource| resource.id == "Table" && resource.kind == "AWS::DynamoDB::Table");
    let table = table.ok_or_else(|| TemplateError::AbsentResource("Table".to_owned()))?;
    let indexes = table.property("GlobalSecondaryIndexes")?;
    Ok(TableDefinition {
        name: table.text("TableName")?.unwrap_or_else(|| "herald".to_owned()),
        attributes: typed(table, "AttributeDefinitions", table.required("AttributeDefinitions")?)?,
        key_schema: typed(table, "KeySchema", table.required("KeySchema")?)?,
        indexes: indexes.map_or(Ok(Vec::new()), |value| typed(table, "GlobalSecondaryIndexes", value))?,
        ttl_attribute: table.required_text("TimeToLiveSpecification.AttributeName")?,
    })
}

fn typed<T: serde::de::DeserializeOwned>(
    from: Resource<'_>,
    property: &str,
    value: Value,
) -> Result<T, TemplateError> {
    serde_json::from_value(value).map_err(|error| TemplateError::unreadable(from.id, property, &error))
}
