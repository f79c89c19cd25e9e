//! Quoted replies (docs/protocol.md §5.7): a placeholder in the text, and an entity that names the quoted message.

use serde_json::{Value, json};

use super::channel::Channel;
use super::entities::add_entity;
use super::person::Person;

impl Channel {
    /// Returns a message of `person` that quotes a message of `conversation`, mostly one of the agent.
    pub fn quoted_reply(&self, person: &Person, conversation: &str, quoted: &str, text: &str) -> Value {
        let text = format!("<quoted messageId=\"{quoted}\"/> {text}");
        let mut activity = self.message_in(person, conversation, &text);
        add_entity(&mut activity, json!({ "type": "quotedReply", "quotedReply": { "messageId": quoted } }));
        activity
    }
}
