//! Moves stored timers into their queues, in batches: queued first, then removed.

use std::time::Duration;

use herald::aws::queue::{BatchMessage, Queue};
use herald::aws::table::{StoreError, TimerKey, TimerStore};
use herald::error::error_chain;
use herald::jobs::timers::{QueueTarget, Timer};
use jiff::Timestamp;
use tracing::error;

/// Most timers that are queued before they are removed, which a crash queues again: five sends of 10, two deletes of 25.
pub(crate) const ROUND: usize = 50;

/// Moves timers into the queues.
#[derive(Clone)]
pub(crate) struct Mover {
    pub(crate) timers: TimerStore,
    pub(crate) turns: Queue,
    pub(crate) tasks: Queue,
    pub(crate) deliveries: Queue,
}

impl Mover {
    /// Queues the timers of a round, delayed until they are due, and removes those that were queued; returns their number.
    /// The others stay stored.
    pub(crate) async fn move_round(
        &self,
        round: &[(Timer, TimerKey)],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut queued = Vec::new();
        for queue in [&self.turns, &self.tasks, &self.deliveries] {
            let is_for = |timer: &Timer| std::ptr::eq(self.queue(timer), queue);
            let of_queue: Vec<_> = round.iter().filter(|(timer, _)| is_for(timer)).collect();
            if of_queue.is_empty() {
                continue;
            }
            let messages = of_queue.iter().map(|(timer, _)| message(timer, now)).collect();
            let unsent = match queue.send_batches(messages).await {
                Ok(()) => Vec::new(),
                Err(unsent) => {
                    error!(error = %error_chain(&unsent), "could not queue timers; the next tick retries them");
                    unsent.indexes
                }
            };
            let of_queue = of_queue.into_iter().enumerate();
            let sent = of_queue.filter(|(index, _)| !unsent.contains(index));
            queued.extend(sent.map(|(_, (_, key))| key.clone()));
        }
        let count = queued.len();
        if count > 0 {
            self.timers.remove(queued).await?;
        }
        Ok(count)
    }

    fn queue(&self, timer: &Timer) -> &Queue {
        match timer.queue {
            QueueTarget::Turns { .. } => &self.turns,
            QueueTarget::Tasks => &self.tasks,
            QueueTarget::Deliveries => &self.deliveries,
        }
    }
}

fn message(timer: &Timer, now: Timestamp) -> BatchMessage {
    let body = timer.body.clone();
    let wait = Duration::try_from(timer.due.duration_since(now)).unwrap_or_default();
    match &timer.queue {
        QueueTarget::Turns { group, dedupe } => BatchMessage::fifo(body, group.clone(), dedupe.clone()),
        QueueTarget::Tasks | QueueTarget::Deliveries => BatchMessage::delayed(body, wait),
    }
}
