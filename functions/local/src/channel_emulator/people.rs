//! Who and what is in the channel: people and team channels, and how the connector describes them as members.
//! Which of their conversations exist is the directory's.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Channel, State};

/// Somebody who can talk to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// The id this agent knows them by, `29:…`.
    pub id: String,
    /// Their Entra object id.
    pub entra_id: String,
    /// Their tenant.
    pub tenant: String,
    /// Their language, e.g. `en-GB`.
    pub locale: String,
    /// Their IANA time zone.
    pub time_zone: String,
}

/// A channel of a team in which the agent is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamChannel {
    /// `19:…@thread.tacv2`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The team's id, which is that of its General channel.
    pub team_id: String,
    /// The team's display name.
    pub team_name: String,
    /// The team's tenant.
    pub tenant: String,
}

impl Person {
    /// The account as the members endpoints give it.
    pub(super) fn member(&self) -> Value {
        let (given, family) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        let mail = format!("{}@example.com", self.entra_id);
        json!({
            "id": self.id,
            "name": self.name,
            "aadObjectId": self.entra_id,
            "objectId": self.entra_id,
            "givenName": given,
            "surname": family,
            "email": mail,
            "userPrincipalName": mail,
            "tenantId": self.tenant,
            "userRole": "user",
        })
    }

    /// Whether `id` is one of the two ids the connector takes.
    pub(super) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.entra_id.eq_ignore_ascii_case(id)
    }
}

impl Channel {
    /// Adds a person in London for whom the agent is installed.
    pub fn add_person(&self, name: &str) -> Person {
        let person = Person {
            name: name.to_owned(),
            id: format!("29:1{}", self.state.unique()),
            entra_id: self.state.guid(),
            tenant: self.state.options.tenant.clone(),
            locale: "en-GB".to_owned(),
            time_zone: "Europe/London".to_owned(),
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
            id: id(self.state.options.chance.token()),
            name: name.to_owned(),
            team_id: known
                .map_or_else(|| id(self.state.options.chance.token()), |known| known.team_id.clone()),
            team_name: team.to_owned(),
            tenant: self.state.options.tenant.clone(),
        };
        directory.channels.push(channel.clone());
        channel
    }

    /// Has these people, and nobody else, be the members of a channel's team.
    pub fn set_members(&self, channel: &TeamChannel, people: &[&Person]) {
        let ids = people.iter().map(|person| person.id.clone()).collect();
        self.state.directory().rosters.insert(channel.team_id.clone(), ids);
    }

    /// Has pages of members hold at most so many, as a channel may.
    pub fn set_largest_page(&self, members: usize) {
        self.state.directory().largest_page = Some(members);
    }

    /// Everybody in the channel.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        self.state.directory().people.clone()
    }

    /// Every team channel.
    #[must_use]
    pub fn channels(&self) -> Vec<TeamChannel> {
        self.state.directory().channels.clone()
    }

    /// The agent's account id, `28:…`.
    #[must_use]
    pub fn agent_id(&self) -> String {
        self.state.agent_id()
    }
}

impl State {
    /// Characters that no other id has.
    pub(super) fn unique(&self) -> String {
        let count = self.directory().count();
        format!("{}{count:04x}", self.options.chance.token())
    }

    pub(super) fn guid(&self) -> String {
        let token = self.options.chance.token();
        let part = |from: usize, to: usize| token.get(from..to).unwrap_or_default();
        // Version 4 and its variant, as Entra's object ids have them.
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }
}
