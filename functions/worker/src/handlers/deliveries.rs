//! Handler of deliveries: those of a broadcast are partitioned first and reported afterwards.

use std::time::Duration;

use herald::aws::queue::{DeliveriesWork, Delivery};
use herald::broadcast::{BroadcastId, Outcome, ReportEntry};
use herald::jobs::{Cancel, CancelledBy};

use crate::MessageContext;
use crate::broadcast::classify::Partitioner;
use crate::broadcast::defer::Parking;
use crate::broadcast::deliver::Deliverer;
use crate::broadcast::report::Reports;
use crate::job::lease::Jobs;
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
        let Some(id) = work.broadcast.clone() else {
            return self.deliverer.deliver_all(&work, None, &work.deliveries, context).await.done;
        };
        self.deliver_broadcast(&id, work, context).await
    }

    /// Makes the deliveries of one message of a broadcast and writes their entries of the report.
    ///
    /// ```text
    /// partition ──► deliver ──► park, defer ──► write the report ──► acknowledge the message
    /// ```
    ///
    /// After a crash in between, the message is received again: its jobs are completed, and the same entries are
    /// written.
    async fn deliver_broadcast(
        &self,
        id: &BroadcastId,
        mut work: DeliveriesWork,
        context: MessageContext,
    ) -> Result<(), RetryIn> {
        loop {
            let partition = self.partitioner.partition(id, &work.deliveries).await?;
            let results = self.deliverer.deliver_all(&work, Some(id), &partition.send, context).await;
            let (started, rest) = partition.send.split_at(results.records.len());
            let mut entries = Vec::new();
            for (delivery, record) in started.iter().zip(results.records) {
                let entry = self.reports.report_entry(delivery, record).await;
                entries
                    .extend(entry.map_err(|error| self.jobs.retry_after_store_error(&error, &delivery.job))?);
            }
            for (delivery, outcome, reason) in &partition.skip {
                entries.push(self.skip(delivery, *outcome, reason).await?);
            }
            for (until, delivery) in partition.defer {
                entries.push(self.reports.entry_with(&delivery, Outcome::Deferred, None));
                self.parking.defer_delivery(&work, delivery, until).await?;
            }
            self.parking.park_deliveries(id, &work, partition.park).await?;
            self.reports.write(id, &entries).await?;
            match results.done {
                // The broadcast was paused or ended meanwhile: those not started are partitioned again.
                Err(retry) if retry.wait.is_zero() && !rest.is_empty() => work.deliveries = rest.to_vec(),
                done => return done,
            }
        }
    }

    /// Cancels a delivery that is not made any more and returns its entry; one that was made before stays so.
    async fn skip(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        reason: &str,
    ) -> Result<ReportEntry, RetryIn> {
        let now = self.jobs.clock.now();
        for job in [&delivery.job.step("send", 0), &delivery.job] {
            let cancelled = self.jobs.store.cancel(job, CancelledBy::Operator, now).await;
            let cancelled = cancelled.map_err(|error| self.jobs.retry_after_store_error(&error, job))?;
            if let Some(Cancel::Held { until, .. }) = cancelled {
                // Another worker holds its lease; the outcome of that is reported.
                let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                return Err(RetryIn::after(wait.max(Duration::from_secs(1))));
            }
        }
        let entry = self.reports.report_entry(delivery, None).await;
        let entry = entry.map_err(|error| self.jobs.retry_after_store_error(&error, &delivery.job))?;
        Ok(match entry {
            Some(entry) if matches!(entry.outcome, Outcome::Delivered | Outcome::Unknown) => entry,
            _ => self.reports.entry_with(delivery, outcome, Some(reason)),
        })
    }
}
