//! People, chats and team channels for the chat page, and changes of people.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::channel::Channel;
use super::persistent_state::Place;
use super::person::Person;

impl Channel {
    /// Returns people, group chats and channels as JSON. Threads are left out: their ids name their channel.
    pub(crate) fn overview(&self) -> Value {
        let directory = self.state.directory();
        let mut personal: HashMap<&str, Vec<(u64, &str)>> = HashMap::new();
        let mut chats = Vec::new();
        for (id, conversation) in &directory.conversations {
            match &conversation.place {
                Place::Personal(person) => {
                    personal.entry(person).or_default().push((conversation.opened(), id));
                }
                Place::Chat(chat) => chats.push(json!({
                    "id": id, "name": chat.name, "people": chat.people, "installed": chat.has_agent,
                    "opened": conversation.opened(),
                })),
                Place::Thread(_) => {}
            }
        }
        chats.sort_by_key(|chat| chat["opened"].as_u64());
        let people = directory.people.iter().map(|person| {
            let mut theirs = personal.remove(person.id.as_str()).unwrap_or_default();
            theirs.sort_unstable();
            let conversations: Vec<&str> = theirs.into_iter().map(|(_, id)| id).collect();
            json!({
                "id": person.id, "name": person.name, "entraId": person.entra_id, "locale": person.locale,
                "timeZone": person.time_zone, "client": person.client, "surface": person.surface,
                "installed": directory.installed.contains(&person.id), "conversations": conversations,
            })
        });
        let people: Vec<Value> = people.collect();
        let channels = directory.channels.iter().map(|channel| {
            json!({
                "id": channel.id, "name": channel.name, "team": channel.team_name,
                "installed": !directory.is_closed(&channel.id),
            })
        });
        let channels: Vec<Value> = channels.collect();
        json!({ "people": people, "chats": chats, "channels": channels })
    }

    /// Replaces the settings of the person with the id of `person`.
    pub(crate) fn change_person(&self, person: Person) {
        let mut directory = self.state.directory();
        if let Some(known) = directory.people.iter_mut().find(|known| known.id == person.id) {
            *known = person;
        }
    }

    /// Opens a thread of the team channel `channel` with a message of `person`.
    pub(crate) fn open_thread(&self, person: &Person, channel: &str, text: &str) -> Value {
        let mut directory = self.state.directory();
        let root = directory.next_activity(self.state.options.clock.now());
        let thread = directory.open_thread(channel, &root);
        drop(directory);
        let mut activity = self.message_in(person, &thread, text);
        activity["id"] = json!(root);
        activity
    }
}
