//! Edits, deletions and restorations of a person's message (docs/protocol.md §5.1): activities with the id of the message.

use serde_json::{Value, json};

use super::channel::Channel;

impl Channel {
    /// Returns the edit of `message`, with its new text.
    #[must_use]
    pub fn edited(&self, message: &Value, text: &str) -> Value {
        let mut edited = self.changed(message, "messageUpdate", "editMessage");
        edited["text"] = json!(text);
        edited
    }

    /// Returns the deletion of `message`.
    #[must_use]
    pub fn deleted(&self, message: &Value) -> Value {
        let mut deleted = self.changed(message, "messageDelete", "softDeleteMessage");
        if let Some(deleted) = deleted.as_object_mut() {
            deleted.retain(|name, _| !["text", "textFormat", "attachments"].contains(&name.as_str()));
        }
        deleted
    }

    /// Returns the restoration of `message` after its deletion.
    #[must_use]
    pub fn undeleted(&self, message: &Value) -> Value {
        self.changed(message, "messageUpdate", "undeleteMessage")
    }

    fn changed(&self, message: &Value, kind: &str, event: &str) -> Value {
        let mut changed = message.clone();
        changed["type"] = json!(kind);
        changed["timestamp"] = json!(self.timestamp());
        changed["channelData"]["eventType"] = json!(event);
        changed
    }
}
