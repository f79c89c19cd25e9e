//! Partition of the recipients of a message: sent now, parked, deferred or skipped.
//! Where a recipient falls is decided in `herald::broadcast`, by the status of the broadcast and the preferences.

use herald::aws::queue::Delivery;
use herald::aws::table::{PreferenceStore, ReferenceStore};
use herald::broadcast::preferences::{Notify, Preferences};
use herald::broadcast::{BroadcastId, Gate, Kind, Outcome, Spec, gate};
use jiff::Timestamp;

use super::status::Broadcasts;
use crate::retry::RetryIn;

/// Recipients of a message, by what becomes of them.
#[derive(Default)]
pub(crate) struct Partition {
    /// Delivered now.
    pub(crate) send: Vec<Delivery>,
    /// Parked until the broadcast is resumed.
    pub(crate) park: Vec<Delivery>,
    /// Deferred until the end of quiet hours.
    pub(crate) defer: Vec<(Timestamp, Delivery)>,
    /// Not delivered, with the outcome and the reason for the report.
    pub(crate) skip: Vec<(Delivery, Outcome, &'static str)>,
}

/// Partitions recipients.
#[derive(Clone)]
pub(crate) struct Partitioner {
    pub(crate) broadcasts: Broadcasts,
    pub(crate) preferences: PreferenceStore,
    pub(crate) references: ReferenceStore,
}

impl Partitioner {
    /// Partitions `deliveries` of a broadcast.
    pub(crate) async fn partition(
        &self,
        id: &BroadcastId,
        deliveries: &[Delivery],
    ) -> Result<Partition, RetryIn> {
        let (status, spec) = self.broadcasts.load_status(id).await?;
        let preferences = self.load_preferences(id, spec.as_deref(), deliveries).await?;
        let mut partition = Partition::default();
        for (delivery, notify) in deliveries.iter().cloned().zip(preferences) {
            match gate(status, notify) {
                Gate::Send => partition.send.push(delivery),
                Gate::Park => partition.park.push(delivery),
                Gate::Defer { until } => partition.defer.push((until, delivery)),
                Gate::Skip { outcome, reason } => partition.skip.push((delivery, outcome, reason)),
            }
        }
        Ok(partition)
    }

    /// Returns what the preferences of each recipient allow for the content of `spec`.
    async fn load_preferences(
        &self,
        id: &BroadcastId,
        spec: Option<&Spec>,
        deliveries: &[Delivery],
    ) -> Result<Vec<Notify>, RetryIn> {
        let notification = match spec.map(|spec| (&spec.kind, &spec.notification)) {
            Some((Kind::Announce { .. } | Kind::Resend { .. }, notification)) => notification,
            // A recall or a correction sends no notification.
            Some((Kind::Recall { .. } | Kind::Correct { .. }, _)) | None => {
                return Ok(vec![Notify::Send; deliveries.len()]);
            }
        };
        let subject = |delivery: &Delivery| self.references.subject_of(&delivery.recipient);
        let subjects: Vec<String> =
            deliveries.iter().filter_map(subject).map(|subject| subject.as_str().to_owned()).collect();
        let stored = self.preferences.get_all(&subjects).await;
        let stored = stored.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))?;
        let now = self.broadcasts.clock.now();
        let default = Some(Preferences::default());
        let notify = |delivery: &Delivery| {
            let stored =
                subject(delivery).and_then(|subject| stored.get(subject.as_str())).unwrap_or(&default);
            let notify =
                |stored: &Preferences| stored.notify(notification, delivery.recipient.timezone(), now);
            stored.as_ref().map_or(Notify::Unknown, notify)
        };
        Ok(deliveries.iter().map(notify).collect())
    }
}
