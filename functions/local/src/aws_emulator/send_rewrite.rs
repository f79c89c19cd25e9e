//! Changes send requests for the embedded SQS: removes the message group that it rejects on
//! standard queues, and the delay where a test controls the time.

use serde_json::{Map, Value};

/// Removes `MessageGroupId` from a request that sends to a standard queue.
///
/// On a standard queue it only affects fairness. Requests to FIFO queues are not changed.
pub(super) fn drop_group_hint(operation: &str, request: &mut Value) {
    let queue = request.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
    if !queue.ends_with(".fifo") {
        remove("MessageGroupId", operation, request);
    }
}

/// Removes `DelaySeconds` from a send request, so that its messages are visible at once.
pub(super) fn skip_delay(operation: &str, request: &mut Value) {
    remove("DelaySeconds", operation, request);
}

fn remove(member: &str, operation: &str, request: &mut Value) {
    let from = |fields: &mut Map<String, Value>| drop(fields.remove(member));
    match operation {
        "SendMessage" => request.as_object_mut().into_iter().for_each(from),
        "SendMessageBatch" => {
            let entries = request.get_mut("Entries").and_then(Value::as_array_mut);
            entries.into_iter().flatten().filter_map(Value::as_object_mut).for_each(from);
        }
        _ => {}
    }
}
