//! Handler of deliveries: those of a broadcast are partitioned first and counted afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use herald::aws::queue::{DeliveriesWork, Delivery, WorkMessage};
use herald::aws::table::Reported;
use herald::broadcast::{BroadcastId, Outcome};
use herald::jobs::{Cancel, Defer};
use jiff::Timestamp;

use crate::MessageContext;
use crate::broadcast::classify::Partitioner;
use crate::broadcast::defer::Parking;
use crate::broadcast::deliver::{Deliverer, Unfinished};
use crate::broadcast::report::Reports;
use crate::job::lease::{JOB_TTL, Jobs};
use crate::retry::RetryIn;

/// Makes, parks, defers or skips deliveries.
pub(crate) struct DeliveriesHandler {
    pub(crate) jobs: Jobs,
    pub(crate) partitioner: Partitioner,
    pub(crate) deliverer: Deliverer,
    pub(crate) parking: Parking,
    pub(crate) reports: Reports,
}

impl DeliveriesHandler {
    /// Makes the deliveries of a message.
    pub(crate) async fn handle(&self, work: DeliveriesWork, context: MessageContext) -> Result<(), RetryIn> {
        if let Some(id) = work.broadcast.clone() {
            return self.deliver_broadcast(&id, work, context).await;
        }
        match self.deliverer.deliver_all(&work, &work.deliveries, context).await.done {
            Ok(()) => Ok(()),
            Err(Unfinished::Retry(retry)) => Err(retry),
            Err(Unfinished::Slot(slot)) => {
                let wait = slot.duration_since(self.jobs.clock.now());
                Err(RetryIn::after(Duration::try_from(wait).unwrap_or_default()))
            }
            Err(Unfinished::Inactive) => Ok(()),
        }
    }

    /// Makes the deliveries of one message of a broadcast and counts their outcomes.
    ///
    /// ```text
    /// partition ──► deliver ──► skip, defer, park ──► count ──► send what is left again ──► acknowledge the message
    /// ```
    ///
    /// After a crash in between, the message is received again: what is completed stays so.
    async fn deliver_broadcast(
        &self,
        id: &BroadcastId,
        mut work: DeliveriesWork,
        context: MessageContext,
    ) -> Result<(), RetryIn> {
        loop {
            let partition = self.partitioner.partition(id, &work.deliveries).await?;
            let results = Box::pin(self.deliverer.deliver_all(&work, &partition.send, context)).await;
            let mut reported = results.reported;
            for (delivery, outcome, reason) in &partition.skip {
                reported.extend(self.skip(id, delivery, *outcome, reason).await?);
            }
            reported.extend(self.defer(id, &work, partition.defer).await?);
            self.parking.park_deliveries(id, &work, partition.park).await?;
            self.reports.count(id, &reported).await?;
            let left = DeliveriesWork { deliveries: results.left, slot: None, ..work };
            match results.done {
                Ok(()) => return Ok(()),
                Err(Unfinished::Retry(retry)) => return Err(retry),
                Err(Unfinished::Slot(slot)) => {
                    let left = DeliveriesWork { slot: Some(slot), ..left };
                    return self.parking.send_at(id, left, slot).await;
                }
                // They are partitioned again.
                Err(Unfinished::Inactive) => work = left,
            }
        }
    }

    /// Cancels a delivery that is not made any more; one that was made before stays so.
    async fn skip(
        &self,
        id: &BroadcastId,
        delivery: &Delivery,
        outcome: Outcome,
        reason: &str,
    ) -> Result<Option<Reported>, RetryIn> {
        let (now, jobs) = (self.jobs.clock.now(), self.jobs_of(id, delivery));
        let skipped = jobs.store.skip(&delivery.job, outcome, reason, now).await;
        match skipped.map_err(|error| jobs.retry_after_store_error(&error, &delivery.job))? {
            // Another worker holds its lease; the outcome of that is reported.
            Cancel::Held { until, .. } => Err(RetryIn::after_lease(until, now)),
            Cancel::Cancelled(_) | Cancel::AlreadyCompleted(_) => Ok(jobs.store.reported()),
        }
    }

    /// Defers deliveries, those until the same moment as one timer.
    async fn defer(
        &self,
        id: &BroadcastId,
        work: &DeliveriesWork,
        deferred: Vec<(Timestamp, Delivery)>,
    ) -> Result<Vec<Reported>, RetryIn> {
        let now = self.jobs.clock.now();
        let mut reported = Vec::new();
        let mut waiting: BTreeMap<Timestamp, Vec<Delivery>> = BTreeMap::new();
        for (until, delivery) in deferred {
            let jobs = self.jobs_of(id, &delivery);
            let expires_at = until.checked_add(JOB_TTL).unwrap_or(until);
            let noted = jobs.store.defer(&delivery.job, until, expires_at, now).await;
            match noted.map_err(|error| jobs.retry_after_store_error(&error, &delivery.job))? {
                Defer::Held { until } => return Err(RetryIn::after_lease(until, now)),
                Defer::Completed(_) => {}
                Defer::Deferred(_) => waiting.entry(until).or_default().push(delivery),
            }
            reported.extend(jobs.store.reported());
        }
        for (until, deliveries) in waiting {
            let part = DeliveriesWork { deliveries, slot: None, ..work.clone() };
            self.parking.store_timer(id, &WorkMessage::Deliveries(part), until).await?;
        }
        Ok(reported)
    }

    fn jobs_of(&self, id: &BroadcastId, delivery: &Delivery) -> Jobs {
        self.jobs.of_delivery(self.reports.record_of(id, None, delivery))
    }
}
