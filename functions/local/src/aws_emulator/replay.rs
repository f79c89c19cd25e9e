//! The messages in the queues, computed from their history: a pure fold over [`Entry`]s.
//! It ignores visibility timeouts; after a restart every message is visible.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Number of deleted message ids to keep, so that a send that is recorded late does not restore a message.
const REMEMBERED: usize = 10_000;

/// A change of a queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A message was accepted.
    Sent(Message),
    /// A message was received from this queue, which after a redrive is not the one it was sent to.
    Received {
        /// The message id.
        id: String,
        /// The name of the queue.
        queue: String,
    },
    /// A message was deleted.
    Deleted {
        /// The message id.
        id: String,
    },
    /// All messages of a queue were deleted.
    Purged {
        /// The name of the queue.
        queue: String,
    },
}

/// A message that has not been deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    /// The message id.
    pub(super) id: String,
    /// The name of its queue.
    pub(super) queue: String,
    /// The sequence number in a FIFO queue; 0 in a standard queue.
    pub(super) sequence: u64,
    /// The time it was sent.
    pub(super) sent: Timestamp,
    /// The end of its delay.
    pub(super) due: Timestamp,
    /// The receive count.
    pub(super) receives: u32,
    /// The fields of its `SendMessage` request: body, group, deduplication id, attributes.
    pub(super) content: Map<String, Value>,
}

/// The messages of all queues.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    messages: HashMap<String, (u64, Message)>,
    arrivals: u64,
    removed: HashSet<String>,
    removals: VecDeque<String>,
}

impl Backlog {
    /// Applies one entry.
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            // A send within the deduplication window has the id of the first one, and a receiver may be
            // recorded before the response of the sender: neither adds a message.
            Entry::Sent(message) => {
                if !self.removed.contains(&message.id) && !self.messages.contains_key(&message.id) {
                    self.arrivals += 1;
                    self.messages.insert(message.id.clone(), (self.arrivals, message));
                }
            }
            Entry::Received { id, queue } => {
                if let Some((_, message)) = self.messages.get_mut(&id) {
                    message.receives = if message.queue == queue { message.receives + 1 } else { 1 };
                    message.queue = queue;
                }
            }
            Entry::Deleted { id } => self.remove(id),
            Entry::Purged { queue } => {
                let ids: Vec<_> = self
                    .messages
                    .values()
                    .filter(|(_, message)| message.queue == queue)
                    .map(|(_, message)| message.id.clone())
                    .collect();
                ids.into_iter().for_each(|id| self.remove(id));
            }
        }
    }

    /// Returns the number of messages.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Returns the messages in receive order.
    pub(super) fn messages(&self) -> Vec<&Message> {
        let mut messages: Vec<_> = self.messages.values().collect();
        messages.sort_by_key(|(arrival, message)| (message.sequence, *arrival));
        messages.into_iter().map(|(_, message)| message).collect()
    }

    fn remove(&mut self, id: String) {
        self.messages.remove(&id);
        if self.removed.insert(id.clone()) {
            self.removals.push_back(id);
        }
        if self.removals.len() > REMEMBERED
            && let Some(oldest) = self.removals.pop_front()
        {
            self.removed.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str) -> Entry {
        let (sent, due) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let (id, queue) = (id.to_owned(), "tasks".to_owned());
        Entry::Sent(Message { id, queue, sequence: 0, sent, due, receives: 0, content: Map::new() })
    }

    #[test]
    fn send_recorded_after_its_deletion_adds_no_message() {
        let mut backlog = Backlog::default();

        backlog.apply(Entry::Deleted { id: "fast".to_owned() });
        backlog.apply(sent("fast"));
        backlog.apply(sent("slow"));
        backlog.apply(sent("slow"));

        let ids: Vec<_> = backlog.messages().into_iter().map(|message| message.id.as_str()).collect();
        assert_eq!(ids, ["slow"]);
    }

    #[test]
    fn redriven_message_has_a_new_receive_count() {
        let mut backlog = Backlog::default();

        backlog.apply(sent("poison"));
        for queue in ["tasks", "tasks", "dead"] {
            backlog.apply(Entry::Received { id: "poison".to_owned(), queue: queue.to_owned() });
        }
        backlog.apply(Entry::Purged { queue: "tasks".to_owned() });

        let messages: Vec<_> = backlog
            .messages()
            .into_iter()
            .map(|message| (message.queue.as_str(), message.receives))
            .collect();
        assert_eq!(messages, [("dead", 1)]);
    }
}
