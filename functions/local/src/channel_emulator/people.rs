//! Adds and lists people and team channels.

use super::channel::Channel;
use super::client::Client;
use super::person::{Person, TeamChannel};
use super::surface::Surface;

impl Channel {
    /// Adds a person in London with the agent installed.
    pub fn add_person(&self, name: &str) -> Person {
        let person = Person {
            name: name.to_owned(),
            id: format!("29:1{}", self.state.unique()),
            entra_id: self.state.guid(),
            tenant: self.state.options.tenant.clone(),
            locale: "en-GB".to_owned(),
            time_zone: "Europe/London".to_owned(),
            client: Client::Desktop,
            surface: Surface::Teams,
        };
        let mut directory = self.state.directory();
        directory.people.push(person.clone());
        directory.installed.insert(person.id.clone());
        person
    }

    /// Adds a channel of a team in which the agent is installed.
    pub fn add_channel(&self, team: &str, name: &str) -> TeamChannel {
        let mut directory = self.state.directory();
        let known = directory.channels.iter().find(|channel| channel.team_name == team);
        let id = |token: String| format!("19:{token}@thread.tacv2");
        let channel = TeamChannel {
            id: id(self.state.options.random.random_id()),
            name: name.to_owned(),
            team_id: known
                .map_or_else(|| id(self.state.options.random.random_id()), |known| known.team_id.clone()),
            team_name: team.to_owned(),
            tenant: self.state.options.tenant.clone(),
        };
        directory.channels.push(channel.clone());
        channel
    }

    /// Sets the members of the team of a channel.
    pub fn set_members(&self, channel: &TeamChannel, people: &[&Person]) {
        let ids = people.iter().map(|person| person.id.clone()).collect();
        self.state.directory().rosters.insert(channel.team_id.clone(), ids);
    }

    /// Sets the largest page of members.
    pub fn set_largest_page(&self, members: usize) {
        self.state.directory().largest_page = Some(members);
    }

    /// Returns all people.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        self.state.directory().people.clone()
    }

    /// Returns every team channel.
    #[must_use]
    pub fn channels(&self) -> Vec<TeamChannel> {
        self.state.directory().channels.clone()
    }

    /// Returns the account id of the agent, `28:…`.
    #[must_use]
    pub fn agent_id(&self) -> String {
        self.state.agent_id()
    }
}
