//! Suspension of references after the channel rejected a request (docs/protocol.md §1.8).
//!
//! [`crate::protocol::channel_error`] decides which rejection does what. A write holds only where no newer update is stored.
//! The record of the person follows that of the reference: the next conversation of the person becomes the primary one.

use jiff::Timestamp;

use super::ReferenceStore;
use crate::aws::table::StoreError;
use crate::protocol::conversation::{ConversationReference, Person, ReferenceRecord, ReferenceState};
use crate::protocol::service_url::ServiceUrl;

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

    /// Replaces the service URL of the reference, unless an activity replaced it before.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn move_to(
        &self,
        reference: &ConversationReference,
        service_url: &ServiceUrl,
    ) -> Result<(), StoreError> {
        let key = self.key(reference);
        let move_to = |record: &ReferenceRecord| {
            let is_unmoved = record.reference.service_url == reference.service_url;
            let is_active = record.state == ReferenceState::Active;
            let moved = ConversationReference { service_url: service_url.clone(), ..record.reference.clone() };
            (is_unmoved && is_active).then(|| ReferenceRecord { reference: moved, former_url: None, ..record.clone() })
        };
        let copy = |person: Person, record: &ReferenceRecord| person.with_reference(&key, &record.reference);
        self.change_reference(&key, move_to, copy).await.map(drop)
    }

    /// Returns the service URL that the conversation had before the present one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn former_url(
        &self,
        reference: &ConversationReference,
    ) -> Result<Option<ServiceUrl>, StoreError> {
        Ok(self.read(&self.key(reference)).await?.and_then(|row| row.record.former_url))
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
