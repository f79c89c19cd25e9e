//! Fair queues: a message group on a standard queue is a hint about fairness, which the embedded SQS refuses, and
//! without which it works the same. This is the only place that takes it away, and FIFO queues keep theirs.

use serde_json::Value;

/// Removes `MessageGroupId` from a request that sends to a standard queue.
pub(super) fn drop_group_hint(operation: &str, request: &mut Value) {
    let queue = request.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
    if queue.ends_with(".fifo") {
        return;
    }
    match operation {
        "SendMessage" => remove_group(request),
        "SendMessageBatch" => {
            let entries = request.get_mut("Entries").and_then(Value::as_array_mut);
            entries.into_iter().flatten().for_each(remove_group);
        }
        _ => {}
    }
}

fn remove_group(message: &mut Value) {
    if let Some(fields) = message.as_object_mut() {
        fields.remove("MessageGroupId");
    }
}
