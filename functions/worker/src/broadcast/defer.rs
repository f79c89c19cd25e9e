//! Deliveries that wait: for their slot, until the end of quiet hours, or parked until their broadcast is resumed.

use std::time::Duration;

use herald::aws::queue::{DeliveriesWork, Delivery, Queue, WorkMessage};
use herald::aws::table::TimerStore;
use herald::broadcast::{BroadcastId, QUEUE_AHEAD, tenant_key};
use herald::error::error_chain;
use herald::jobs::timers::{QueueTarget, Timer};
use jiff::Timestamp;
use tracing::{info, warn};

use super::status::Broadcasts;
use crate::retry::RetryIn;

/// Stores work of broadcasts that waits.
#[derive(Clone)]
pub(crate) struct Parking {
    pub(crate) timers: TimerStore,
    pub(crate) deliveries: Queue,
    pub(crate) broadcasts: Broadcasts,
}

impl Parking {
    /// Sends deliveries again for when they are due: delayed by their queue where that is soon, else as a timer.
    pub(crate) async fn send_at(
        &self,
        id: &BroadcastId,
        work: DeliveriesWork,
        due: Timestamp,
    ) -> Result<(), RetryIn> {
        let now = self.broadcasts.clock.now();
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        if wait > QUEUE_AHEAD {
            return self.store_timer(id, &WorkMessage::Deliveries(work), due).await;
        }
        // Also the group of SQS fair queues, as the planner queued it.
        let tenant = tenant_key(work.deliveries.first().and_then(|delivery| delivery.recipient.tenant()));
        let queued = self.deliveries.send_all(&[(WorkMessage::Deliveries(work), tenant, wait)]).await;
        queued.map_err(|error| {
            let error = error_chain(&error);
            warn!(error = %error, broadcast.id = id.as_str(), "could not queue deliveries again");
            RetryIn::backoff(2, &self.broadcasts.random)
        })
    }

    /// Stores deliveries that are deferred until the same moment as one timer.
    pub(crate) async fn store_timer(
        &self,
        id: &BroadcastId,
        work: &WorkMessage,
        due: Timestamp,
    ) -> Result<(), RetryIn> {
        let Some(item) = item(work, due) else { return Ok(()) };
        let stored = self.timers.put(&item, self.broadcasts.clock.now()).await;
        stored.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))
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
