//! Work of a broadcast put aside: until its hour, or until the broadcast goes on.
//! Which work that is was decided before.

use herald::aws::queue::{DeliveriesWork, Delivery, Work};
use herald::broadcast::BroadcastId;
use herald::jobs::timers::{Destination, Item};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::{Later, Worker};

impl Worker {
    /// Puts a delivery aside until its hour.
    pub(crate) async fn defer(
        &self,
        work: &DeliveriesWork,
        delivery: Delivery,
        until: Timestamp,
    ) -> Result<(), Later> {
        let job = delivery.job.clone();
        let part = Work::Deliveries(DeliveriesWork { deliveries: vec![delivery], ..work.clone() });
        let Some(item) = item(&part, until) else { return Ok(()) };
        self.agenda.put(&item, self.clock.now()).await.map_err(|error| self.put_off(&error, &job))
    }

    /// Puts deliveries of a paused broadcast aside: they come back when it goes on.
    pub(crate) async fn hold(
        &self,
        id: &BroadcastId,
        work: &DeliveriesWork,
        deliveries: Vec<Delivery>,
    ) -> Result<(), Later> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let count = deliveries.len();
        self.hold_work(id, &Work::Deliveries(DeliveriesWork { deliveries, ..work.clone() })).await?;
        info!(broadcast.id = id.as_str(), count, "put deliveries of a paused broadcast aside");
        Ok(())
    }

    /// Puts work of a paused broadcast aside.
    pub(crate) async fn hold_work(&self, id: &BroadcastId, work: &Work) -> Result<(), Later> {
        let Some(item) = item(work, self.clock.now()) else { return Ok(()) };
        self.agenda.hold(id, &item).await.map_err(|error| self.no_broadcast(&error, id))
    }
}

/// The message of `work` that came in one, or of a part of it: it fits.
fn item(work: &Work, due: Timestamp) -> Option<Item> {
    let body = work.encode().inspect_err(|error| warn!("could not put work aside: {error}")).ok()?;
    Some(Item::new(Destination::Deliveries, body, due))
}
