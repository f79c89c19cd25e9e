//! Inbound activities as Teams writes them (protocol §5, §7.6): ready to deliver, and plain JSON for a test to bend.
//! They are made here and delivered elsewhere.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::channel::Channel;
use super::directory::{Directory, Place};
use super::person::{Person, TeamChannel};
use super::stream::Phase;

/// The agent's display name.
const AGENT_NAME: &str = "Herald";

impl Channel {
    /// The personal conversation of `person`, made when there is none.
    pub fn personal_conversation(&self, person: &Person) -> String {
        self.state.personal(&mut self.state.directory(), person)
    }

    /// `person` writes to the agent.
    pub fn message(&self, person: &Person, text: &str) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "message");
        activity["text"] = json!(text);
        activity["textFormat"] = json!("plain");
        activity
    }

    /// `person` mentions the agent in a new thread of `channel`.
    pub fn mention(&self, person: &Person, channel: &TeamChannel, text: &str) -> Value {
        let mut directory = self.state.directory();
        let root = directory.next_activity(self.state.options.clock.now());
        let thread = directory.open_thread(&channel.id, &root);
        drop(directory);
        let mut activity = self.mention_in(person, &thread, text);
        activity["id"] = json!(root);
        activity
    }

    /// `person` mentions the agent in the thread of this conversation id.
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

    /// The agent is installed for `person`.
    pub fn install(&self, person: &Person) -> Value {
        self.state.directory().installed.insert(person.id.clone());
        self.installation(person, "add")
    }

    /// The agent is removed for `person`, and may not write to them any more.
    pub fn uninstall(&self, person: &Person) -> Value {
        self.state.directory().installed.remove(&person.id);
        self.installation(person, "remove")
    }

    /// `members`, the agent or people by their ids, were added by `person` to a conversation.
    pub fn members_added(&self, person: &Person, conversation: &str, members: &[&str]) -> Value {
        let mut activity = self.activity(person, conversation, "conversationUpdate");
        activity["membersAdded"] = members.iter().map(|id| json!({ "id": id })).collect();
        activity
    }

    /// `person` reacts to one of the agent's activities in their personal conversation, e.g. with `like`.
    pub fn reaction(&self, person: &Person, activity_id: &str, kind: &str) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "messageReaction");
        activity["reactionsAdded"] = json!([{ "type": kind }]);
        activity["replyToId"] = json!(activity_id);
        activity
    }

    /// `person` is typing.
    pub fn typing(&self, person: &Person) -> Value {
        self.activity(person, &self.personal_conversation(person), "typing")
    }

    /// Presses Stop: every open stream of the conversation is refused from now on.
    pub fn stop_stream(&self, conversation: &str) {
        let mut directory = self.state.directory();
        let open = directory.streams.values_mut().filter(|stream| stream.conversation == conversation);
        for stream in open.filter(|stream| stream.phase == Phase::Open) {
            stream.phase = Phase::Cancelled;
        }
    }

    /// A client acts for `person` and waits for the answer, e.g. `adaptiveCard/action`.
    pub fn invoke(&self, person: &Person, name: &str, value: Value) -> Value {
        let mut activity = self.activity(person, &self.personal_conversation(person), "invoke");
        activity["name"] = json!(name);
        activity["value"] = value;
        activity
    }

    /// Any other activity: what all of this type have in common, in a conversation that exists.
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

/// `conversation` and `channelData` of an activity in this conversation; an unknown one is taken for personal.
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
