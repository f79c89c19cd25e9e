//! Circuit breaker of a broadcast: systemic failures of its deliveries are counted in its record.
//! When they pause it is decided in `herald::broadcast`.

use herald::aws::table::{BroadcastStore, StoreError};
use herald::broadcast::{Broadcast, BroadcastId, Outcome, Status};
use herald::jobs::Failure;
use jiff::Timestamp;
use tracing::error;

/// Beginning of the log line of a broadcast that paused itself, for which an alarm in `template.yaml` looks.
const PAUSED: &str = "paused a broadcast";

/// Counts failures.
#[derive(Clone)]
pub(crate) struct CircuitBreaker {
    pub(crate) store: BroadcastStore,
}

impl CircuitBreaker {
    /// Records the `outcome` of a delivery; the `failure` is a systemic one.
    pub(crate) async fn record_outcome(
        &self,
        id: &BroadcastId,
        failure: Option<&Failure>,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let decide = |broadcast: &Broadcast| match failure {
            Some(failure) => (Some(broadcast.record_failure(failure, now)), broadcast.status),
            None => (broadcast.record_success(), broadcast.status),
        };
        if failure.is_none() {
            // Nothing is written where nothing failed before.
            let failures = self.store.cached_status(id, now).await?.map_or(0, |seen| seen.failures);
            if failures == 0 || outcome != Outcome::Delivered {
                return Ok(());
            }
        }
        let changed = self.store.change(id, decide).await?;
        log_pause(id, changed.as_ref());
        Ok(())
    }
}

/// Logs that a broadcast is paused now, if a change paused it; the status is that before the change.
pub(crate) fn log_pause(id: &BroadcastId, changed: Option<&(Broadcast, Status)>) {
    if let Some((broadcast, Status::Running)) = changed
        && broadcast.status == Status::Paused
    {
        let reason = broadcast.reason().unwrap_or_default();
        error!(broadcast.id = id.as_str(), "{PAUSED}: {reason}");
    }
}

#[cfg(test)]
mod tests {
    use super::PAUSED;

    #[test]
    fn template_counts_the_log_line_of_a_paused_broadcast() {
        let pattern = format!("FilterPattern: '{{ $.message = \"{PAUSED}*\" }}'");

        assert!(include_str!("../../../../template.yaml").contains(&pattern), "{pattern}");
    }
}
