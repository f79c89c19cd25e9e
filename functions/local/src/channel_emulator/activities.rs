//! Builds inbound activities as Teams does (docs/protocol.md §5, §7.6), as plain JSON that tests can change.
//! `details` says what each type leaves out, `delivery` delivers them.

use serde_json::{Value, json};

use super::channel::Channel;
use super::entities::add_entity;
use super::person::{Person, TeamChannel};
use super::stream::Phase;
use super::{conversation_fields, details};

/// Display name of the agent.
const AGENT_NAME: &str = "Herald";

impl Channel {
    /// Returns the personal conversation of `person`, and creates it if needed.
    pub fn personal_conversation(&self, person: &Person) -> String {
        self.state.personal(&mut self.state.directory(), person)
    }

    /// Returns a message of `person` to the agent.
    pub fn message(&self, person: &Person, text: &str) -> Value {
        self.message_in(person, &self.personal_conversation(person), text)
    }

    /// Returns a message of `person` in an existing conversation, without a mention.
    pub fn message_in(&self, person: &Person, conversation: &str, text: &str) -> Value {
        let mut activity = self.activity(person, conversation, "message");
        activity["text"] = json!(text);
        activity["textFormat"] = json!("plain");
        activity
    }

    /// Returns a message of `person` that mentions the agent in a new thread of `channel`.
    pub fn mention(&self, person: &Person, channel: &TeamChannel, text: &str) -> Value {
        let mut directory = self.state.directory();
        let root = directory.next_activity(self.state.options.clock.now());
        let thread = directory.open_thread(&channel.id, &root);
        drop(directory);
        let mut activity = self.mention_in(person, &thread, text);
        activity["id"] = json!(root);
        activity
    }

    /// Returns a message of `person` that mentions the agent in an existing thread or group chat.
    pub fn mention_in(&self, person: &Person, thread: &str, text: &str) -> Value {
        let mention = format!("<at>{AGENT_NAME}</at>");
        let mut activity = self.message_in(person, thread, &format!("{mention} {text}"));
        let mentioned = json!({ "id": self.agent_id(), "name": AGENT_NAME });
        add_entity(&mut activity, json!({ "type": "mention", "mentioned": mentioned, "text": mention }));
        activity
    }

    /// Installs the agent for `person`, and returns the activity.
    pub fn install(&self, person: &Person) -> Value {
        self.state.directory().installed.insert(person.id.clone());
        self.installation(person, &self.personal_conversation(person), "add")
    }

    /// Uninstalls the agent for `person`, which then rejects messages, and returns the activity.
    pub fn uninstall(&self, person: &Person) -> Value {
        self.state.directory().installed.remove(&person.id);
        self.installation(person, &self.personal_conversation(person), "remove")
    }

    /// Returns the activity of `person` adding `members`, given by id, to a conversation.
    pub fn members_added(&self, person: &Person, conversation: &str, members: &[&str]) -> Value {
        let mut activity = self.activity(person, conversation, "conversationUpdate");
        activity["membersAdded"] = members.iter().map(|id| json!({ "id": id })).collect();
        if activity["channelData"].get("team").is_some() {
            activity["channelData"]["eventType"] = json!("teamMemberAdded");
        }
        activity
    }

    /// Returns a reaction of `person`, e.g. `like`, to an activity of the agent in their personal conversation.
    pub fn reaction(&self, person: &Person, activity_id: &str, kind: &str) -> Value {
        self.reaction_in(person, &self.personal_conversation(person), activity_id, kind)
    }

    /// Returns a reaction of `person` to an activity of an existing conversation.
    pub fn reaction_in(&self, person: &Person, conversation: &str, activity_id: &str, kind: &str) -> Value {
        let mut activity = self.activity(person, conversation, "messageReaction");
        activity["reactionsAdded"] = json!([{ "type": kind }]);
        activity["replyToId"] = json!(activity_id);
        activity
    }

    /// Returns a typing activity of `person`.
    pub fn typing(&self, person: &Person) -> Value {
        self.activity(person, &self.personal_conversation(person), "typing")
    }

    /// Stops the open streams of the conversation, as the Stop button does.
    pub fn stop_stream(&self, conversation: &str) {
        let mut directory = self.state.directory();
        let open = directory.streams.values_mut().filter(|stream| stream.conversation == conversation);
        for stream in open.filter(|stream| stream.phase == Phase::Open) {
            stream.phase = Phase::Cancelled;
        }
    }

    /// Returns an invoke of `person`, e.g. `adaptiveCard/action`.
    pub fn invoke(&self, person: &Person, name: &str, value: Value) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "invoke");
        activity["name"] = json!(name);
        activity["value"] = value;
        activity
    }

    /// Returns an activity of any type, in an existing conversation.
    pub fn activity(&self, person: &Person, conversation: &str, kind: &str) -> Value {
        let now = self.state.options.clock.now();
        let mut directory = self.state.directory();
        let id = directory.next_activity(now);
        let (account, channel_data) = conversation_fields::fields(&directory, person, conversation);
        let mut activity = json!({
            "type": kind,
            "id": id,
            "timestamp": self.timestamp(),
            "channelId": "msteams",
            "serviceUrl": self.state.service_url_of(&directory, conversation),
            "recipient": { "id": self.agent_id(), "name": AGENT_NAME },
            "conversation": account,
            "channelData": channel_data,
        });
        details::add(&mut activity, person, kind, now);
        if activity["conversation"]["conversationType"] == "personal" {
            person.surface.mark(&mut activity);
        }
        activity
    }

    /// Returns the time in the format of an activity.
    pub(super) fn timestamp(&self) -> String {
        self.state.options.clock.now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// Returns an installation or removal in an existing conversation.
    pub(super) fn installation(&self, person: &Person, conversation: &str, action: &str) -> Value {
        let mut activity = self.activity(person, conversation, "installationUpdate");
        activity["action"] = json!(action);
        if let Some(channel) = activity["channelData"].get("channel").cloned() {
            activity["channelData"]["settings"] = json!({ "selectedChannel": { "id": channel["id"] } });
        }
        activity
    }
}
