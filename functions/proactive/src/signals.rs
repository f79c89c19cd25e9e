//! Signals: queues those that an event sends. The worker delivers them.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::SignalSource;
use herald::aws::queue::{Queue, QueueError, SignalEvent, SignalWork, WorkMessage};
use herald::clock::Clock;
use herald::jobs::signal::Payload;

use crate::event::SignalRequest;

/// Queues signals.
pub(crate) struct SignalQueue {
    pub(crate) tasks: Queue,
    pub(crate) clock: Arc<dyn Clock>,
}

impl SignalQueue {
    /// Queues the signal `id`; a copy with the same id has no effect.
    pub(crate) async fn send(&self, request: &SignalRequest, id: &str) -> Result<(), QueueError> {
        let SignalRequest { key, data, tenant, .. } = request.clone();
        let payload = Payload { id: id.to_owned(), data, from: SignalSource::Event, at: self.clock.now() };
        let work = SignalWork { key, tenant, event: SignalEvent::Sent(payload) };
        self.tasks.send_delayed(&WorkMessage::Signal(work), Duration::ZERO).await
    }
}
