//! The service URL of a reference: replaced after the channel refused one, with the one before as its remedy
//! (docs/protocol.md §7.4).

use super::ReferenceStore;
use crate::aws::table::StoreError;
use crate::protocol::conversation::{ConversationReference, Person, ReferenceRecord, ReferenceState};
use crate::protocol::service_url::ServiceUrl;

impl ReferenceStore {
    /// Returns the last service URL of the conversation other than that of `reference`.
    ///
    /// It is the stored one where an activity or a [`ReferenceStore::move_to`] replaced that of `reference`, else the one
    /// stored before.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn former_url(
        &self,
        reference: &ConversationReference,
    ) -> Result<Option<ServiceUrl>, StoreError> {
        let Some(row) = self.read(&self.key(reference)).await? else { return Ok(None) };
        let known = [Some(row.record.reference.service_url), row.record.former_url];
        Ok(known.into_iter().flatten().find(|url| !url.is(&reference.service_url)))
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
            let moved =
                ConversationReference { service_url: service_url.clone(), ..record.reference.clone() };
            (is_unmoved && is_active).then(|| ReferenceRecord {
                reference: moved,
                former_url: None,
                ..record.clone()
            })
        };
        let copy = |person: Person, record: &ReferenceRecord| person.with_reference(&key, &record.reference);
        self.change_reference(&key, move_to, copy).await.map(drop)
    }
}
