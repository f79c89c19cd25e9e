//! The service URL of a reference: replaced after the channel refused one, with the one before as its remedy
//! (docs/protocol.md §7.4).

use super::{ReferenceStore, is_active};
use crate::aws::table::StoreError;
use crate::aws::table::item::{encoded, from_json, string, text};
use crate::aws::table::requests::conditional;
use crate::protocol::conversation::ConversationReference;
use crate::protocol::service_url::ServiceUrl;

/// Update of an item whose service URL stays, or which has none yet.
pub(super) const KEEP_URL: (&str, &str) = ("", "(attribute_not_exists(service_url) OR service_url = :url)");

/// Update of an item whose service URL changes: the stored one is kept as the former one.
pub(super) const REPLACE_URL: (&str, &str) =
    (", former_url = service_url", "attribute_exists(service_url) AND service_url <> :url");

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
        let Some(item) = self.read(&self.key(reference)).await? else { return Ok(None) };
        let stored: ConversationReference = from_json(&item, "reference")?;
        let former = || string(&item, "former_url").and_then(|url| ServiceUrl::new(&url).ok());
        let stored = Some(stored.service_url).filter(|url| !url.is(&reference.service_url));
        Ok(stored.or_else(former).filter(|url| !url.is(&reference.service_url)))
    }

    /// Replaces the service URL of the reference, unless the reference has changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn move_to(
        &self,
        reference: &ConversationReference,
        service_url: &ServiceUrl,
    ) -> Result<(), StoreError> {
        let found = self.read(&self.key(reference)).await?;
        let Some(item) = found.filter(is_active) else { return Ok(()) };
        let stored: ConversationReference = from_json(&item, "reference")?;
        let is_unmoved = stored.service_url == reference.service_url;
        let Some(order) = item.get("event_order").filter(|_| is_unmoved) else {
            // A later event has the current URL.
            return Ok(());
        };
        let moved = ConversationReference { service_url: service_url.clone(), ..stored };
        let request = self
            .update(reference)
            .update_expression("SET #reference = :moved, service_url = :url")
            .condition_expression("event_order = :event_order")
            .expression_attribute_names("#reference", "reference")
            .expression_attribute_values(":event_order", order.clone())
            .expression_attribute_values(":url", text(service_url.as_str()))
            .expression_attribute_values(":moved", text(encoded(&moved, "reference")?));
        conditional(request.send().await, "move reference").map(drop)
    }
}
