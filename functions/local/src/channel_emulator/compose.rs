//! Invokes of a message extension from the compose box (docs/protocol.md §8.3), which come from any conversation of the
//! person, also from one without the agent; the conversation has neither `conversationType` nor `isGroup`.

use serde_json::{Value, json};

use super::channel::Channel;
use super::persistent_state::Place;
use super::person::Person;

impl Channel {
    /// Returns the invoke of an action of the extension: `composeExtension/fetchTask`.
    pub fn compose_fetch(&self, person: &Person, conversation: &str, command: &str) -> Value {
        let value = json!({
            "commandId": command, "commandContext": "compose", "context": { "theme": "default" },
        });
        self.compose(person, conversation, "composeExtension/fetchTask", value)
    }

    /// Returns the invoke of a search of the extension: `composeExtension/query`.
    pub fn compose_query(&self, person: &Person, conversation: &str, command: &str, keyword: &str) -> Value {
        let value = json!({
            "commandId": command,
            "parameters": [{ "name": "searchKeyword", "value": keyword }],
            "queryOptions": { "skip": 0, "count": 25 },
        });
        self.compose(person, conversation, "composeExtension/query", value)
    }

    fn compose(&self, person: &Person, conversation: &str, name: &str, value: Value) -> Value {
        let mut activity = self.activity(person, conversation, "invoke");
        activity["name"] = json!(name);
        activity["value"] = value;
        activity["channelData"]["source"] = json!({ "name": "compose" });
        activity["conversation"] = json!({ "tenantId": person.tenant, "id": conversation });
        let directory = self.state.directory();
        if let Some(Place::Chat(chat)) = directory.conversations.get(conversation).map(|known| &known.place) {
            activity["conversation"]["name"] = json!(chat.name);
        }
        activity
    }
}
