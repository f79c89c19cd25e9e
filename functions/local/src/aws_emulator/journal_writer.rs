//! Derives the changes of the queues from successful requests, and writes them to the journal.
//! It changes neither requests nor responses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use herald::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::StackError;
use super::journal::Journal;
use super::replay::{Entry, Message};

/// Fields of `SendMessage` with the destination and the delay, which are not content.
const NOT_CONTENT: [&str; 3] = ["QueueUrl", "DelaySeconds", "Id"];

/// The journal, and the receipt handles of received messages.
#[derive(Debug)]
pub(super) struct Recorder {
    clock: Arc<dyn Clock>,
    delays: HashMap<String, i64>,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    journal: Journal,
    receipts: HashMap<String, String>,
}

impl Recorder {
    /// Returns a recorder for queues with these default delays, in seconds by name.
    pub(super) fn new(journal: Journal, clock: Arc<dyn Clock>, delays: HashMap<String, i64>) -> Self {
        Self { clock, delays, open: Mutex::new(Open { journal, receipts: HashMap::new() }) }
    }

    /// Whether requests of this operation change the queues.
    pub(super) fn concerns(operation: &str) -> bool {
        let verbs = ["SendMessage", "ReceiveMessage", "DeleteMessage", "PurgeQueue"];
        verbs.iter().any(|verb| operation.trim_end_matches("Batch") == *verb)
    }

    /// Records the changes of a successful request.
    pub(super) fn record(&self, operation: &str, request: &Value, answer: &Value) -> Result<(), StackError> {
        let queue = queue_name(request);
        match operation {
            "SendMessage" => self.sent(&queue, request, answer),
            "SendMessageBatch" => {
                pairs(request, answer).try_for_each(|(request, answer)| self.sent(&queue, request, answer))
            }
            "ReceiveMessage" => {
                let mut messages = answer["Messages"].as_array().into_iter().flatten();
                messages.try_for_each(|message| self.received(&queue, message))
            }
            "DeleteMessage" => self.deleted(request),
            "DeleteMessageBatch" => pairs(request, answer).try_for_each(|(request, _)| self.deleted(request)),
            "PurgeQueue" => self.with(|open| open.journal.append(Entry::Purged { queue })),
            _ => Ok(()),
        }
    }

    /// Records a message of an earlier process that was restored.
    pub(super) fn resent(&self, left: Message, answer: &Value) -> Result<(), StackError> {
        let message = Message { id: text(answer, "MessageId"), sequence: sequence(answer), ..left };
        self.with(|open| open.journal.append(Entry::Sent(message)))
    }

    /// Runs `work` with exclusive access to the journal.
    pub(super) fn journal(&self, work: fn(&mut Journal) -> Result<(), StackError>) -> Result<(), StackError> {
        self.with(|open| work(&mut open.journal))
    }

    /// Returns the messages that are not deleted.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.with(|open| open.journal.messages().into_iter().cloned().collect())
    }

    /// Returns the messages whose delay ends between these times.
    pub(super) fn delayed(&self, after: Timestamp, until: Timestamp) -> Vec<Message> {
        let is_due = |message: &Message| after < message.due && message.due <= until;
        self.with(|open| {
            let messages = open.journal.messages();
            let delayed =
                messages.into_iter().filter(|message| message.due > message.sent && is_due(message));
            delayed.cloned().collect()
        })
    }

    /// Records that the message `id` is not to be restored.
    pub(super) fn forget(&self, id: &str) -> Result<(), StackError> {
        self.with(|open| open.journal.append(Entry::Deleted { id: id.to_owned() }))
    }

    fn sent(&self, queue: &str, request: &Value, answer: &Value) -> Result<(), StackError> {
        let sent = self.clock.now();
        let own = self.delays.get(queue).copied().unwrap_or_default();
        let delay = request["DelaySeconds"].as_i64().unwrap_or(own).clamp(0, 900);
        let content = request.as_object().into_iter().flatten();
        let content = content.filter(|(name, _)| !NOT_CONTENT.contains(&name.as_str()));
        let message = Message {
            id: text(answer, "MessageId"),
            queue: queue.to_owned(),
            sequence: sequence(answer),
            sent,
            due: sent.saturating_add(SignedDuration::from_secs(delay)).unwrap_or(sent),
            receives: 0,
            content: content.map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        self.with(|open| open.journal.append(Entry::Sent(message)))
    }

    fn received(&self, queue: &str, message: &Value) -> Result<(), StackError> {
        let id = text(message, "MessageId");
        self.with(|open| {
            open.receipts.insert(text(message, "ReceiptHandle"), id.clone());
            open.journal.append(Entry::Received { id, queue: queue.to_owned() })
        })
    }

    fn deleted(&self, request: &Value) -> Result<(), StackError> {
        self.with(|open| {
            let Some(id) = open.receipts.remove(&text(request, "ReceiptHandle")) else { return Ok(()) };
            open.receipts.retain(|_, other| *other != id);
            open.journal.append(Entry::Deleted { id })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Open) -> T) -> T {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the queue name in the URL of a request.
fn queue_name(request: &Value) -> String {
    let url = request["QueueUrl"].as_str().unwrap_or_default();
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns the successful entries of a batch, each with its result.
fn pairs<'a>(request: &'a Value, answer: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let entries = request["Entries"].as_array().into_iter().flatten();
    entries.filter_map(|entry| {
        let mut answers = answer["Successful"].as_array().into_iter().flatten();
        Some((entry, answers.find(|answer| answer["Id"] == entry["Id"])?))
    })
}

fn sequence(answer: &Value) -> u64 {
    text(answer, "SequenceNumber").parse().unwrap_or_default()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
