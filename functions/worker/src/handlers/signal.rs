//! Handler of a signal, and of the deadline of a task that waits for one.

use herald::aws::queue::{SignalEvent, SignalWork};

use crate::retry::RetryIn;
use crate::signals::Signals;

/// Delivers signals.
pub(crate) struct SignalHandler {
    pub(crate) signals: Signals,
}

impl SignalHandler {
    /// Delivers a signal, or ends a wait.
    pub(crate) async fn handle(&self, work: SignalWork) -> Result<(), RetryIn> {
        let SignalWork { key, tenant, event } = work;
        match event {
            SignalEvent::Sent(payload) => self.signals.deliver(&key, tenant.as_ref(), &payload).await,
            SignalEvent::Deadline { job, .. } => self.signals.expire(&key, tenant.as_ref(), &job).await,
        }
    }
}
