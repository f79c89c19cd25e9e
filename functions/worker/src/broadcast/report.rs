//! Reports of broadcasts: the record of each delivery is its entry; this counts what they became.

use herald::agent::Recipient;
use herald::aws::queue::Delivery;
use herald::aws::table::{DeliveryRecord, ReferenceStore, Reported};
use herald::broadcast::{BroadcastId, RecipientRef, Spec};

use super::circuit_breaker::CircuitBreaker;
use super::preplan::is_rendered;
use super::status::Broadcasts;
use crate::retry::RetryIn;

/// Makes the records of deliveries, and counts their outcomes.
#[derive(Clone)]
pub(crate) struct Reports {
    pub(crate) broadcasts: Broadcasts,
    pub(crate) breaker: CircuitBreaker,
    pub(crate) references: ReferenceStore,
}

impl Reports {
    /// Counts what deliveries became, and records their outcomes in the circuit breaker.
    pub(crate) async fn count(&self, id: &BroadcastId, reported: &[Reported]) -> Result<(), RetryIn> {
        let now = self.broadcasts.clock.now();
        let counted = self.broadcasts.store.count_outcomes(id, reported, now).await;
        counted.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))?;
        for Reported { entry, .. } in reported {
            let failure = entry.failure.as_ref().filter(|failure| failure.systemic);
            let recorded = self.breaker.record_outcome(id, failure, entry.outcome, now).await;
            recorded.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))?;
        }
        Ok(())
    }

    /// Returns the record of a delivery of the broadcast `id` with this spec.
    pub(crate) fn record_of(
        &self,
        id: &BroadcastId,
        spec: Option<&Spec>,
        delivery: &Delivery,
    ) -> DeliveryRecord {
        let record = DeliveryRecord::new(id, &delivery.job, self.recipient_ref(&delivery.recipient));
        record.amending(delivery.activity.clone()).rendered(is_rendered(spec))
    }

    /// Returns the reference of a recipient for the report.
    fn recipient_ref(&self, recipient: &Recipient) -> RecipientRef {
        let tenant = recipient.tenant().cloned();
        match recipient {
            Recipient::Conversation { reference } => RecipientRef {
                tenant,
                user: reference.person().map(|person| person.id),
                reference: Some(self.references.key(reference)),
                channel: None,
            },
            Recipient::User(user) => {
                RecipientRef { tenant, user: Some(user.id.clone()), ..RecipientRef::default() }
            }
            Recipient::Channel(channel) => {
                RecipientRef { tenant, channel: Some(channel.id.clone()), ..RecipientRef::default() }
            }
        }
    }
}
