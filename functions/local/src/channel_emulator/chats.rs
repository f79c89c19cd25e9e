//! Group chats and meetings, further personal conversations of one person, and their regions (docs/protocol.md §7.2).

use serde_json::Value;

use super::channel::Channel;
use super::persistent_state::{Chat, Place};
use super::person::Person;

impl Channel {
    /// Adds a group chat of `people` in which the agent is installed, and returns its id.
    pub fn add_group_chat(&self, name: &str, people: &[&Person]) -> String {
        self.add_chat(name, people, None)
    }

    /// Adds a meeting of `people` without the agent, and returns the id of its chat; see [`Channel::install_in`].
    pub fn add_meeting(&self, name: &str, people: &[&Person]) -> String {
        self.add_chat(name, people, Some(format!("MCMx{}", self.state.unique())))
    }

    fn add_chat(&self, name: &str, people: &[&Person], meeting: Option<String>) -> String {
        let kind = if meeting.is_some() { "meeting_" } else { "" };
        let id = format!("19:{kind}{}@thread.v2", self.state.unique());
        let people = people.iter().map(|person| person.id.clone()).collect();
        let chat = Chat { name: name.to_owned(), people, has_agent: meeting.is_none(), meeting };
        self.state.directory().open(id.clone(), Place::Chat(chat));
        id
    }

    /// Installs the agent in a group chat, meeting or team channel, and returns the activity.
    pub fn install_in(&self, person: &Person, conversation: &str) -> Value {
        self.set_installed(conversation, true);
        self.installation(person, conversation, "add")
    }

    /// Uninstalls the agent from a group chat, meeting or team channel, and returns the activity.
    pub fn uninstall_from(&self, person: &Person, conversation: &str) -> Value {
        self.set_installed(conversation, false);
        self.installation(person, conversation, "remove")
    }

    fn set_installed(&self, conversation: &str, is_installed: bool) {
        let mut directory = self.state.directory();
        if directory.channel(conversation).is_some() {
            directory.set_closed(conversation, !is_installed);
        } else if let Some(Place::Chat(chat)) =
            directory.conversations.get_mut(conversation).map(|known| &mut known.place)
        {
            chat.has_agent = is_installed;
        }
    }

    /// Opens another personal conversation of `person`, e.g. a Copilot session, and returns its id. Those before it stay
    /// open; creation returns the first.
    pub fn open_conversation(&self, person: &Person) -> String {
        self.state.open_personal(&mut self.state.directory(), person)
    }

    /// Returns the service URL of a region, e.g. `emea`, or `emea/` and a tenant id.
    #[must_use]
    pub fn regional_url(&self, region: &str) -> String {
        self.state.service_url_in(region)
    }

    /// Moves an existing conversation to a region: its activities have the service URL of the region, and calls under
    /// that of another region are rejected.
    pub fn set_region(&self, conversation: &str, region: &str) {
        if let Some(known) = self.state.directory().conversations.get_mut(conversation) {
            known.region = Some(region.to_owned());
        }
    }

    /// Closes a conversation, which is not found any more.
    pub fn close_conversation(&self, conversation: &str) {
        self.state.directory().conversations.remove(conversation);
    }
}
