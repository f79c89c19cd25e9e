//! Requests to the table with their keys filled in, and the result of a conditional write.
//!
//! Futures of the SDK are boxed where they are awaited: each takes kilobytes, which the future of every caller would hold.

use std::error::Error;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;

use super::item::{Item, text};
use super::schema::{PK, SK};
use super::{StoreError, Table};

/// Result of a conditional write.
#[derive(Debug)]
pub(super) enum Conditional<T> {
    /// The condition held and the item was written.
    Written(T),
    /// The condition did not hold; carries the stored item if the request asked for it and there is one.
    Failed(Option<Item>),
}

/// Error of a write that may carry a condition.
pub(super) trait WriteError: Error + Send + Sync + 'static {
    /// Returns the exception of a condition that did not hold.
    fn condition_failure(&self) -> Option<&ConditionalCheckFailedException>;
}

impl WriteError for PutItemError {
    fn condition_failure(&self) -> Option<&ConditionalCheckFailedException> {
        if let Self::ConditionalCheckFailedException(failure) = self { Some(failure) } else { None }
    }
}

impl WriteError for UpdateItemError {
    fn condition_failure(&self) -> Option<&ConditionalCheckFailedException> {
        if let Self::ConditionalCheckFailedException(failure) = self { Some(failure) } else { None }
    }
}

/// Separates a failed condition, which is a result, from a failed request.
pub(super) fn conditional<T, E: WriteError>(
    result: Result<T, SdkError<E>>,
    operation: &'static str,
) -> Result<Conditional<T>, StoreError> {
    match result {
        Ok(output) => Ok(Conditional::Written(output)),
        Err(error) => match error.as_service_error().and_then(E::condition_failure) {
            Some(failure) => Ok(Conditional::Failed(failure.item.clone())),
            None => Err(StoreError::unavailable(operation, error)),
        },
    }
}

impl Table {
    /// Reads one item, strongly consistent.
    pub(super) async fn get(
        &self,
        pk: String,
        sk: &str,
        operation: &'static str,
    ) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let found = Box::pin(request.key(PK, text(pk)).key(SK, text(sk)).send()).await;
        Ok(found.map_err(|error| StoreError::unavailable(operation, error))?.item)
    }

    /// Builds a write of a whole item.
    pub(super) fn put(&self, pk: String, sk: &str) -> PutItemFluentBuilder {
        self.client.put_item().table_name(&self.name).item(PK, text(pk)).item(SK, text(sk))
    }

    /// Builds an update of some attributes of an item.
    pub(super) fn update(&self, pk: String, sk: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).key(PK, text(pk)).key(SK, text(sk))
    }

    /// Deletes one item; succeeds when there is none.
    pub(super) async fn delete(
        &self,
        pk: String,
        sk: &str,
        operation: &'static str,
    ) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.name).key(PK, text(pk)).key(SK, text(sk));
        Box::pin(request.send()).await.map(drop).map_err(|error| StoreError::unavailable(operation, error))
    }

    /// Builds a query of the items under one partition key.
    pub(super) fn query(&self, pk: impl Into<String>) -> QueryFluentBuilder {
        let request = self.client.query().table_name(&self.name).key_condition_expression("pk = :pk");
        request.expression_attribute_values(":pk", text(pk))
    }
}
