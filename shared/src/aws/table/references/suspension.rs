//! Suspension of references after the channel rejected a request (docs/protocol.md §1.8).
//!
//! [`crate::protocol::channel_error`] decides which rejection does what. A write holds only where no newer event is stored.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;

use super::ReferenceStore;
use crate::aws::table::StoreError;
use crate::aws::table::item::text;
use crate::aws::table::requests::{Conditional, conditional};
use crate::protocol::conversation::ConversationReference;
use crate::protocol::conversation::lifecycle::{EventOrder, Presence};

impl ReferenceStore {
    /// Removes the reference from every audience until a later event of its conversation.
    ///
    /// The channel rejected a send to it at `rejected_at`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn suspend(
        &self,
        reference: &ConversationReference,
        reason: &str,
        rejected_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.end(reference, "suspended", reason, rejected_at).await
    }

    /// Removes the reference from every audience because its conversation no longer existed at `rejected_at`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn drop_conversation(
        &self,
        reference: &ConversationReference,
        reason: &str,
        rejected_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.end(reference, "dropped", reason, rejected_at).await
    }

    /// Marks the reference as suspect and returns whether it was before; a later event removes the mark.
    ///
    /// The channel rejected a send to it at `rejected_at` for an unknown reason.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn suspect(
        &self,
        reference: &ConversationReference,
        reason: &str,
        rejected_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let order = EventOrder::of(rejected_at, Presence::Removed, reason);
        let request = self
            .update(reference)
            .update_expression("SET suspect = :reason")
            .condition_expression("event_order < :event_order AND attribute_not_exists(suspect)")
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":event_order", text(order.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(match conditional(request.send().await, "mark reference")? {
            Conditional::Written(_) | Conditional::Failed(None) => false,
            Conditional::Failed(Some(stored)) => stored.contains_key("suspect"),
        })
    }

    async fn end(
        &self,
        reference: &ConversationReference,
        state: &str,
        reason: &str,
        rejected_at: Timestamp,
    ) -> Result<(), StoreError> {
        let order = EventOrder::of(rejected_at, Presence::Removed, reason);
        let request = self
            .update(reference)
            .update_expression(
                "SET #state = :state, reason = :reason, event_order = :event_order \
                 REMOVE audience, #user, suspect",
            )
            .condition_expression("event_order < :event_order")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":state", text(state))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":event_order", text(order.as_str()));
        conditional(request.send().await, "suspend reference").map(drop)
    }
}
