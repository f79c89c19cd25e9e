//! Suspension of references after the channel rejected a request (docs/protocol.md §1.8).
//!
//! [`crate::protocol::channel_error`] decides which rejection does what. A write holds only where no newer update is stored.
//! The record of the person follows that of the reference: the next conversation of the person becomes the primary one.

use jiff::Timestamp;

use super::ReferenceStore;
use crate::aws::table::StoreError;
use crate::protocol::conversation::{ConversationReference, Person, ReferenceRecord, ReferenceState};

impl ReferenceStore {
    /// Removes the reference from every audience until a later activity of its conversation.
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
        self.end(reference, ReferenceState::Suspended, reason, rejected_at).await
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
        self.end(reference, ReferenceState::Dropped, reason, rejected_at).await
    }

    /// Marks the reference as suspect and returns whether it was before; a later activity removes the mark.
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
        let order = Self::rejection(rejected_at, reason);
        let mark = |record: &ReferenceRecord| {
            let is_new = record.suspect.is_none() && record.order < order;
            is_new.then(|| ReferenceRecord { suspect: Some(reason.to_owned()), ..record.clone() })
        };
        let unchanged = self.change_reference(&self.key(reference), mark, |person, _| person).await?;
        Ok(unchanged.is_some_and(|record| record.suspect.is_some()))
    }

    async fn end(
        &self,
        reference: &ConversationReference,
        state: ReferenceState,
        reason: &str,
        rejected_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, order) = (self.key(reference), Self::rejection(rejected_at, reason));
        let end = |record: &ReferenceRecord| record.clone().ended(state, reason, order.clone());
        let follow = |person: Person, _: &ReferenceRecord| person.without_conversation(&key, &order);
        self.change_reference(&key, end, follow).await.map(drop)
    }
}
