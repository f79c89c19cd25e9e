//! Deliveries that wait: deferred until the end of quiet hours, or parked until their broadcast is resumed.

use herald::aws::queue::{DeliveriesWork, Delivery, WorkMessage};
use herald::aws::table::TimerStore;
use herald::broadcast::BroadcastId;
use herald::jobs::timers::{QueueTarget, Timer};
use jiff::Timestamp;
use tracing::{info, warn};

use super::status::Broadcasts;
use crate::retry::RetryIn;

/// Stores work of broadcasts that waits.
#[derive(Clone)]
pub(crate) struct Parking {
    pub(crate) timers: TimerStore,
    pub(crate) broadcasts: Broadcasts,
}

impl Parking {
    /// Defers a delivery.
    pub(crate) async fn defer_delivery(
        &self,
        work: &DeliveriesWork,
        delivery: Delivery,
        until: Timestamp,
    ) -> Result<(), RetryIn> {
        let job = delivery.job.clone();
        let part = WorkMessage::Deliveries(DeliveriesWork { deliveries: vec![delivery], ..work.clone() });
        let Some(item) = item(&part, until) else { return Ok(()) };
        let stored = self.timers.put(&item, self.broadcasts.clock.now()).await;
        stored.map_err(|error| RetryIn::after_store_error(&error, &job, &self.broadcasts.random))
    }

    /// Parks deliveries of a paused broadcast; they are enqueued again when it is resumed.
    pub(crate) async fn park_deliveries(
        &self,
        id: &BroadcastId,
        work: &DeliveriesWork,
        deliveries: Vec<Delivery>,
    ) -> Result<(), RetryIn> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let count = deliveries.len();
        self.park_work(id, &WorkMessage::Deliveries(DeliveriesWork { deliveries, ..work.clone() })).await?;
        info!(broadcast.id = id.as_str(), count, "parked deliveries of a paused broadcast");
        Ok(())
    }

    /// Parks work of a paused broadcast.
    pub(crate) async fn park_work(&self, id: &BroadcastId, work: &WorkMessage) -> Result<(), RetryIn> {
        let Some(item) = item(work, self.broadcasts.clock.now()) else { return Ok(()) };
        let parked = self.timers.park(id, &item).await;
        parked.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))
    }
}

/// Returns the timer of `work`, which was received in one message, or of a part of it: it fits.
fn item(work: &WorkMessage, due: Timestamp) -> Option<Timer> {
    let body = work.encode().inspect_err(|error| warn!("could not store a timer: {error}")).ok()?;
    Some(Timer::new(QueueTarget::Deliveries, body, due))
}
