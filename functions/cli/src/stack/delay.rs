//! Delays: taken out of requests where a test owns the time, so that a message is seen at once.
//! How long it was to wait is still in the request that the caller made, and in no other place.

use serde_json::Value;

/// Removes `DelaySeconds` from a request that sends.
pub(super) fn skip(operation: &str, request: &mut Value) {
    match operation {
        "SendMessage" => remove_delay(request),
        "SendMessageBatch" => {
            let entries = request.get_mut("Entries").and_then(Value::as_array_mut);
            entries.into_iter().flatten().for_each(remove_delay);
        }
        _ => {}
    }
}

fn remove_delay(message: &mut Value) {
    if let Some(fields) = message.as_object_mut() {
        fields.remove("DelaySeconds");
    }
}
