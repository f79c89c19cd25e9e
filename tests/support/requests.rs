//! Counts requests to table and queues by operation and kind of record, with the write units of the table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use local::aws_emulator::Stack;
use serde_json::Value;

/// Number of requests of one name, and the write units of their items.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Requests; of a batch of messages, the messages.
    pub requests: usize,
    /// Write units: one for each KB of an item that begins, without those of indexes.
    pub write_units: usize,
}

/// Requests that a stack receives.
#[derive(Debug, Clone, Default)]
pub struct RequestCounts(Arc<Mutex<BTreeMap<String, Count>>>);

/// Bytes of a write unit.
const UNIT: usize = 1_024;

/// Messages put into a queue.
pub const QUEUED: &str = "messages queued";

impl RequestCounts {
    /// Counts the requests to `stack` from now on.
    #[must_use]
    pub fn watch(stack: &Stack) -> Self {
        let counts = Self::default();
        let notes = counts.clone();
        stack.watch(Arc::new(move |operation: &str, body: &[u8]| notes.add(operation, body)));
        counts
    }

    /// Forgets all requests so far.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.0.lock().unwrap().clone()
    }

    /// Returns a line for each name: its requests in all and for each of `items`, and its write units for each of them.
    #[must_use]
    pub fn table(&self, items: usize) -> String {
        let per_item = |count: usize| count as f64 / items as f64;
        let lines = self.counts().into_iter().map(|(name, Count { requests, write_units })| {
            format!("  {name:<48} {requests:>8} {:>8.2} {:>8.2}", per_item(requests), per_item(write_units))
        });
        let head = format!("  {:<48} {:>8} {:>8} {:>8}", "", "in all", "each", "units");
        std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
    }

    /// Receiving and deleting messages is left to Lambda, and listing recipients belongs to planning.
    fn add(&self, operation: &str, body: &[u8]) {
        let request: Value = serde_json::from_slice(body).unwrap();
        let Some((_, verb)) = operation.split_once('.') else { return };
        let (name, count) = match verb {
            "ReceiveMessage" | "DeleteMessage" | "Query" | "GetQueueUrl" => return,
            "SendMessageBatch" => {
                let messages = request["Entries"].as_array().map_or(0, Vec::len);
                (QUEUED.to_owned(), Count { requests: messages, write_units: 0 })
            }
            "SendMessage" => (QUEUED.to_owned(), Count { requests: 1, write_units: 0 }),
            _ => {
                (format!("{verb} {}", kind_of(&request)), Count { requests: 1, write_units: units(&request) })
            }
        };
        let mut counts = self.0.lock().unwrap();
        let all = counts.entry(name).or_default();
        all.requests += count.requests;
        all.write_units += count.write_units;
    }
}

fn kind_of(request: &Value) -> String {
    let key = request["Item"]["pk"]["S"].as_str().or(request["Key"]["pk"]["S"].as_str());
    let writes = request["RequestItems"].as_object().into_iter().flat_map(|tables| tables.values());
    let mut writes = writes.flat_map(|writes| writes.as_array().into_iter().flatten());
    let of_batch = writes.next().and_then(|write| {
        write["PutRequest"]["Item"]["pk"]["S"].as_str().or(write["DeleteRequest"]["Key"]["pk"]["S"].as_str())
    });
    key.or(of_batch).unwrap_or_default().split('#').next().unwrap_or_default().to_owned()
}

/// Returns the write units of an item that is put; of an update one, because its item is not known here.
fn units(request: &Value) -> usize {
    if let Some(tables) = request["RequestItems"].as_object() {
        // An item of a batch is small; the keys of a batch read are no list.
        return tables.values().filter_map(Value::as_array).map(Vec::len).sum();
    }
    match (&request["Item"], request["UpdateExpression"].is_string()) {
        (Value::Object(item), _) => {
            let size = item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>();
            size.div_ceil(UNIT)
        }
        (_, is_update) => usize::from(is_update),
    }
}

fn size(attribute: &Value) -> usize {
    let Some((kind, value)) = attribute.as_object().and_then(|typed| typed.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("N", Value::String(number)) => number.len().div_ceil(2) + 1,
        ("M", Value::Object(members)) => {
            3 + members.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>()
        }
        ("L", Value::Array(items)) => 3 + items.iter().map(size).sum::<usize>(),
        (_, Value::String(text)) => text.len(),
        _ => 1,
    }
}
