//! What is changed in messages on their way into the embedded SQS, and nowhere else: the group hint it refuses on
//! standard queues, and the delay where a test owns the time.

use serde_json::{Map, Value};

/// Removes `MessageGroupId` from a request that sends to a standard queue.
///
/// There it is a hint about fairness, without which the queue works the same. FIFO queues keep theirs.
pub(super) fn drop_group_hint(operation: &str, request: &mut Value) {
    let queue = request.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
    if !queue.ends_with(".fifo") {
        remove("MessageGroupId", operation, request);
    }
}

/// Removes `DelaySeconds` from a request that sends, so that its messages are seen at once.
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
