//! Builds inbound activities as Teams does (docs/protocol.md §5, §7.6), as plain JSON that tests can change.
//! `delivery` delivers them.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::channel::Channel;
use super::persistent_state::{Directory, Place};
use super::person::{Person, TeamChannel};
use super::stream::Phase;

/// Display name of the agent.
const AGENT_NAME: &str = "Herald";

impl Channel {
    /// Returns the personal conversation of `person`, and creates it if needed.
    pub fn personal_conversation(&self, person: &Person) -> String {
        self.state.personal(&mut self.state.directory(), person)
    }

    /// Returns a message of `person` to the agent.
    pub fn message(&self, person: &Person, text: &str) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "message");
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

    /// Returns a message of `person` that mentions the agent in an existing thread.
    pub fn mention_in(&self, person: &Person, thread: &str, text: &str) -> Value {
        let mut activity = self.activity(person, thread, "message");
        let mention = format!("<at>{AGENT_NAME}</at>");
        activity["text"] = json!(format!("{mention} {text}"));
        activity["textFormat"] = json!("plain");
        let mentioned = json!({ "id": self.agent_id(), "name": AGENT_NAME });
        let entity = json!({ "type": "mention", "mentioned": mentioned, "text": mention });
        if let Some(entities) = activity["entities"].as_array_mut() {
            entities.insert(0, entity);
        }
        activity
    }

    /// Installs the agent for `person`, and returns the activity.
    pub fn install(&self, person: &Person) -> Value {
        self.state.directory().installed.insert(person.id.clone());
        self.installation(person, "add")
    }

    /// Uninstalls the agent for `person`, which then rejects messages, and returns the activity.
    pub fn uninstall(&self, person: &Person) -> Value {
        self.state.directory().installed.remove(&person.id);
        self.installation(person, "remove")
    }

    /// Returns the activity of `person` adding `members`, given by id, to a conversation.
    pub fn members_added(&self, person: &Person, conversation: &str, members: &[&str]) -> Value {
        let mut activity = self.activity(person, conversation, "conversationUpdate");
        activity["membersAdded"] = members.iter().map(|id| json!({ "id": id })).collect();
        activity
    }

    /// Returns a reaction of `person`, e.g. `like`, to an activity of the agent in their personal conversation.
    pub fn reaction(&self, person: &Person, activity_id: &str, kind: &str) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "messageReaction");
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
        let zone = TimeZone::get(&person.time_zone).unwrap_or(TimeZone::UTC);
        let mut directory = self.state.directory();
        let id = directory.next_activity(now);
        let (account, channel_data) = place(&directory, person, conversation);
        json!({
            "type": kind,
            "id": id,
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "localTimestamp": now.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
            "localTimezone": person.time_zone,
            "locale": person.locale,
            "channelId": "msteams",
            "serviceUrl": self.service_url(),
            "from": { "id": person.id, "name": person.name, "aadObjectId": person.entra_id },
            "recipient": { "id": self.agent_id(), "name": AGENT_NAME },
            "conversation": account,
            "channelData": channel_data,
            "entities": [{
                "type": "clientInfo",
                "locale": person.locale,
                "country": person.locale.split('-').nth(1),
                "platform": "Web",
                "timezone": person.time_zone,
            }],
        })
    }

    fn installation(&self, person: &Person, action: &str) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "installationUpdate");
        activity["action"] = json!(action);
        activity
    }
}

/// Returns `conversation` and `channelData` of an activity in this conversation; an unknown one is personal.
fn place(directory: &Directory, person: &Person, conversation: &str) -> (Value, Value) {
    let known = directory.conversations.get(conversation).map(|known| &known.place);
    let channel = match known {
        Some(Place::Thread(channel)) => directory.channel(channel),
        Some(Place::Personal(_)) => None,
        None => directory.channel(conversation),
    };
    let tenant = &person.tenant;
    match channel {
        None => (
            json!({ "conversationType": "personal", "tenantId": tenant, "id": conversation }),
            json!({ "tenant": { "id": tenant } }),
        ),
        Some(channel) => (
            json!({ "isGroup": true, "conversationType": "channel", "tenantId": tenant, "id": conversation }),
            json!({
                "teamsChannelId": channel.id,
                "teamsTeamId": channel.team_id,
                "channel": { "id": channel.id, "name": channel.name },
                "team": { "id": channel.team_id, "name": channel.team_name },
                "tenant": { "id": tenant },
            }),
        ),
    }
}
