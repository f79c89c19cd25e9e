//! What the channel's refusals leave behind on a conversation reference (protocol §1.8).
//! Which refusal does what is the connector's; each write counts only where the channel said nothing newer.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;

use super::{ReferenceStore, pk, state};
use crate::aws::table::item::{ONLY, encoded, from_json, text};
use crate::aws::table::{StoreError, Table};
use crate::protocol::conversation::ConversationReference;
use crate::protocol::conversation::lifecycle::{EventOrder, Presence};
use crate::protocol::service_url::ServiceUrl;

impl ReferenceStore {
    /// Takes the reference out of every audience, for the channel refused at `moment` to let anything be said
    /// there; until the channel says something later of that conversation.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn suspend(
        &self,
        reference: &ConversationReference,
        reason: &str,
        moment: Timestamp,
    ) -> Result<(), StoreError> {
        self.end(reference, "suspended", reason, moment).await
    }

    /// The same, for the channel said at `moment` that the conversation is no more.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn drop_conversation(
        &self,
        reference: &ConversationReference,
        reason: &str,
        moment: Timestamp,
    ) -> Result<(), StoreError> {
        self.end(reference, "dropped", reason, moment).await
    }

    /// Marks the reference, for the channel refused at `moment` without a reason that is known; whether it was
    /// marked before. What the channel says later of the conversation takes the mark away.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn suspect(
        &self,
        reference: &ConversationReference,
        reason: &str,
        moment: Timestamp,
    ) -> Result<bool, StoreError> {
        let place = EventOrder::of(moment, Presence::Removed, reason);
        let request = self
            .update(reference)
            .update_expression("SET suspect = :reason")
            .condition_expression("place < :place AND attribute_not_exists(suspect)")
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":place", text(place.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(false),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let UpdateItemError::ConditionalCheckFailedException(failed) = error.into_err() else {
                    return Ok(false);
                };
                Ok(failed.item.is_some_and(|item| item.contains_key("suspect")))
            }
            Err(error) => Err(StoreError::unavailable("mark reference", error)),
        }
    }

    /// Keeps that the conversation answers at `service_url`, unless its reference changed meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn move_to(
        &self,
        reference: &ConversationReference,
        service_url: &ServiceUrl,
    ) -> Result<(), StoreError> {
        let Table { client, name } = &self.table;
        let key = self.key(reference);
        let request = client.get_item().table_name(name).consistent_read(true);
        let found = request.key("pk", text(pk(&key))).key("sk", text(ONLY)).send().await;
        let found = found.map_err(|error| StoreError::unavailable("get reference", error))?;
        let Some(item) = found.item.filter(|item| item.get("state") == Some(&text(state(Presence::Active))))
        else {
            return Ok(());
        };
        let known: ConversationReference = from_json(&item, "reference")?;
        let Some(place) = item.get("place").filter(|_| known.service_url == reference.service_url) else {
            // The channel said where it is since.
            return Ok(());
        };
        let moved = ConversationReference { service_url: service_url.clone(), ..known };
        let request = self
            .update(reference)
            .update_expression("SET #reference = :moved")
            .condition_expression("place = :place")
            .expression_attribute_names("#reference", "reference")
            .expression_attribute_values(":place", place.clone())
            .expression_attribute_values(":moved", text(encoded(&moved, "reference")?));
        written(request, "move reference").await
    }

    async fn end(
        &self,
        reference: &ConversationReference,
        state: &str,
        reason: &str,
        moment: Timestamp,
    ) -> Result<(), StoreError> {
        let place = EventOrder::of(moment, Presence::Removed, reason);
        let request = self
            .update(reference)
            .update_expression(
                "SET #state = :state, reason = :reason, place = :place REMOVE audience, #user, suspect",
            )
            .condition_expression("place < :place")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":state", text(state))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":place", text(place.as_str()));
        written(request, "suspend reference").await
    }

    fn update(&self, reference: &ConversationReference) -> UpdateItemFluentBuilder {
        let Table { client, name } = &self.table;
        let key = self.key(reference);
        client.update_item().table_name(name).key("pk", text(pk(&key))).key("sk", text(ONLY))
    }
}

/// A write that is not wanted any more is none.
async fn written(request: UpdateItemFluentBuilder, operation: &'static str) -> Result<(), StoreError> {
    match request.send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => Ok(()),
        Err(error) => Err(StoreError::unavailable(operation, error)),
    }
}
