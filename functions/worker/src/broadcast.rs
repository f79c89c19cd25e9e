//! Deliveries of a broadcast: whether they are still to be made, and what stands in its report afterwards.
//! The decisions are the shared gate's and the ledger's; how a delivery is made is said in `deliveries`.

use std::sync::Arc;

use herald::aws::queue::{DeliveriesWork, Delivery};
use herald::aws::table::StoreError;
use herald::broadcast::preferences::{Notify, Preferences};
use herald::broadcast::{BroadcastId, Gate, Kind, Outcome, ReportEntry, Spec, Status, gate};
use herald::error::error_chain;
use herald::jobs::{Cancel, CancelledBy};
use jiff::Timestamp;
use tracing::error;

use crate::{Later, Place, Worker};

/// Whether a recipient is still to be told.
pub(crate) enum Still {
    /// Yes, and this is what.
    Told(Option<Arc<Spec>>),
    /// Not now, or not at all.
    NotTold,
}

/// The recipients of a message, by what becomes of them.
#[derive(Default)]
struct Sorted {
    told: Vec<Delivery>,
    held: Vec<Delivery>,
    deferred: Vec<(Timestamp, Delivery)>,
    left_out: Vec<(Delivery, Outcome, &'static str)>,
}

impl Worker {
    /// ```text
    /// sort ──► deliver ──► put aside, defer ──► write the report's lines ──► let go of the message
    /// ```
    ///
    /// Whoever dies in between leaves the message to another, who finds the jobs settled and writes the same lines.
    pub(crate) async fn deliver_broadcast(
        &self,
        id: &BroadcastId,
        mut work: DeliveriesWork,
        place: Place,
    ) -> Result<(), Later> {
        loop {
            let sorted = self.sort(id, &work.deliveries).await?;
            let told = self.deliver_all(&work, Some(id), &sorted.told, place).await;
            let (begun, rest) = sorted.told.split_at(told.records.len());
            let mut lines = Vec::new();
            for (delivery, record) in begun.iter().zip(told.records) {
                let line = self.line(delivery, record).await;
                lines.extend(line.map_err(|error| self.put_off(&error, &delivery.job))?);
            }
            for (delivery, outcome, reason) in &sorted.left_out {
                lines.push(self.leave_out(delivery, *outcome, reason).await?);
            }
            for (until, delivery) in sorted.deferred {
                lines.push(self.line_of(&delivery, Outcome::Deferred, None));
                self.defer(&work, delivery, until).await?;
            }
            self.hold(id, &work, sorted.held).await?;
            self.report(id, &lines).await?;
            match told.done {
                // A pause or an end came in between: those not begun are sorted anew.
                Err(later) if later.wait.is_zero() && !rest.is_empty() => work.deliveries = rest.to_vec(),
                done => return done,
            }
        }
    }

    async fn sort(&self, id: &BroadcastId, deliveries: &[Delivery]) -> Result<Sorted, Later> {
        let (status, spec) = self.standing(id).await?;
        let courtesies = self.courtesies(id, spec.as_deref(), deliveries).await?;
        let mut sorted = Sorted::default();
        for (delivery, courtesy) in deliveries.iter().cloned().zip(courtesies) {
            match gate(status, courtesy) {
                Gate::Send => sorted.told.push(delivery),
                Gate::Park => sorted.held.push(delivery),
                Gate::Defer { until } => sorted.deferred.push((until, delivery)),
                Gate::Skip { outcome, reason } => sorted.left_out.push((delivery, outcome, reason)),
            }
        }
        Ok(sorted)
    }

    /// Whether the next recipient is to be told, at most five seconds ago.
    pub(crate) async fn still(&self, broadcast: Option<&BroadcastId>) -> Result<Still, Later> {
        let Some(id) = broadcast else { return Ok(Still::Told(None)) };
        let now = self.clock.now();
        let seen =
            self.broadcasts.cached_status(id, now).await.map_err(|error| self.no_broadcast(&error, id))?;
        // One that was removed from the table is over.
        let Some(seen) = seen else { return Ok(Still::NotTold) };
        // What they want to be spared was asked when their message was.
        Ok(match gate(seen.status, Notify::Send) {
            Gate::Send => Still::Told(Some(seen.spec)),
            Gate::Park | Gate::Defer { .. } | Gate::Skip { .. } => Still::NotTold,
        })
    }

    async fn standing(&self, id: &BroadcastId) -> Result<(Status, Option<Arc<Spec>>), Later> {
        let seen = self.broadcasts.cached_status(id, self.clock.now()).await;
        let seen = seen.map_err(|error| self.no_broadcast(&error, id))?;
        Ok(seen.map_or((Status::Cancelled, None), |seen| (seen.status, Some(seen.spec))))
    }

    /// What each recipient wants to be spared of what `spec` says.
    async fn courtesies(
        &self,
        id: &BroadcastId,
        spec: Option<&Spec>,
        deliveries: &[Delivery],
    ) -> Result<Vec<Notify>, Later> {
        let notification = match spec.map(|spec| (&spec.kind, &spec.notification)) {
            Some((Kind::Announce { .. } | Kind::Resend { .. }, notification)) => notification,
            // Nobody is disturbed by what is changed or taken away.
            Some((Kind::Recall { .. } | Kind::Correct { .. }, _)) | None => {
                return Ok(vec![Notify::Send; deliveries.len()]);
            }
        };
        let subject = |delivery: &Delivery| self.references.subject_of(&delivery.recipient);
        let subjects: Vec<String> = deliveries.iter().filter_map(subject).collect();
        let said = self.preferences.get_all(&subjects).await;
        let said = said.map_err(|error| self.no_broadcast(&error, id))?;
        let now = self.clock.now();
        let nothing = Some(Preferences::default());
        let courtesy = |delivery: &Delivery| {
            let said = subject(delivery).and_then(|subject| said.get(&subject)).unwrap_or(&nothing);
            let courtesy = |said: &Preferences| said.notify(notification, delivery.recipient.timezone(), now);
            said.as_ref().map_or(Notify::Unknown, courtesy)
        };
        Ok(deliveries.iter().map(courtesy).collect())
    }

    pub(crate) fn no_broadcast(&self, error: &StoreError, id: &BroadcastId) -> Later {
        error!(error = %error_chain(error), broadcast.id = id.as_str(), "put off deliveries: no table");
        Later::backoff(3, &self.random)
    }

    /// Ends a delivery that is not made any more; one that was made before stays so.
    async fn leave_out(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        reason: &str,
    ) -> Result<ReportEntry, Later> {
        let now = self.clock.now();
        for job in [&delivery.job.step("send", 0), &delivery.job] {
            let cancelled = self
                .jobs
                .cancel(job, CancelledBy::Operator, now)
                .await
                .map_err(|error| self.put_off(&error, job))?;
            if let Some(Cancel::Held { until, .. }) = cancelled {
                // Another worker has it in hand: what comes of that stands in the report.
                let wait = std::time::Duration::try_from(until.duration_since(now)).unwrap_or_default();
                return Err(Later { wait: wait.max(std::time::Duration::from_secs(1)) });
            }
        }
        let line = self.line(delivery, None).await.map_err(|error| self.put_off(&error, &delivery.job))?;
        Ok(match line {
            Some(line) if matches!(line.outcome, Outcome::Delivered | Outcome::Unknown) => line,
            _ => self.line_of(delivery, outcome, Some(reason)),
        })
    }

    /// Writes the report's lines, and tells the breaker what they say of the agent itself.
    async fn report(&self, id: &BroadcastId, lines: &[ReportEntry]) -> Result<(), Later> {
        let now = self.clock.now();
        self.broadcasts.record(id, lines, now).await.map_err(|error| self.no_broadcast(&error, id))?;
        for line in lines {
            let failure = line.failure.as_ref().filter(|failure| failure.systemic);
            let told = self.tell_breaker(id, failure, line.outcome, now).await;
            told.map_err(|error| self.no_broadcast(&error, id))?;
        }
        Ok(())
    }
}
