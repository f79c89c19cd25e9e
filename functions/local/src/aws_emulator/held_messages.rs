//! Delayed messages that the clock of a test releases: they are sent to the embedded SQS when they are due.
//! Times of the embedded SQS are those of the system.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use herald::hash;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Messages of standard queues that are not due yet.
#[derive(Debug, Default)]
pub(super) struct HeldMessages {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Requests to send one message each, by the time at which they are due and their number.
    requests: BTreeMap<(Timestamp, u64), Value>,
    sent: u64,
}

impl HeldMessages {
    /// Holds the delayed messages of a batch, and returns the answer; `None` where the request is for the embedded SQS, for
    /// none of its messages is delayed.
    pub(super) fn hold(&self, operation: &str, request: &Value, now: Timestamp) -> Option<Value> {
        let url = &request["QueueUrl"];
        match operation {
            "SendMessage" => {
                let delay = delay(request)?;
                let id = self.add(now + delay, url, request);
                Some(json!({ "MessageId": id, "MD5OfMessageBody": "" }))
            }
            "SendMessageBatch" => {
                let entries = request["Entries"].as_array()?;
                entries.iter().find_map(delay)?;
                let sent = |entry: &Value| {
                    let id = self.add(now + delay(entry).unwrap_or_default(), url, entry);
                    json!({ "Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": "" })
                };
                Some(json!({ "Successful": entries.iter().map(sent).collect::<Vec<_>>(), "Failed": [] }))
            }
            _ => None,
        }
    }

    /// Removes and returns the requests that are due at `now`, in their order.
    pub(super) fn take_due(&self, now: Timestamp) -> Vec<Value> {
        let mut state = self.state();
        let later = state.requests.split_off(&(now, u64::MAX));
        std::mem::replace(&mut state.requests, later).into_values().collect()
    }

    /// Returns when the next message is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.state().requests.keys().next().map(|(due, _)| *due)
    }

    fn add(&self, due: Timestamp, url: &Value, message: &Value) -> String {
        let mut state = self.state();
        state.sent += 1;
        let number = state.sent;
        let request = json!({ "QueueUrl": url, "MessageBody": message["MessageBody"] });
        state.requests.insert((due, number), request);
        hash::short(&number.to_string())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the delay of a message that has one.
fn delay(message: &Value) -> Option<SignedDuration> {
    message["DelaySeconds"].as_i64().filter(|delay| *delay > 0).map(SignedDuration::from_secs)
}
