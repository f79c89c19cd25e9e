//! People and team channels, and how the connector describes people as members.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use super::surface::Surface;

/// A person who can send messages to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// The id of the person for this agent, `29:…`.
    pub id: String,
    /// The Entra object id.
    pub entra_id: String,
    /// The tenant.
    pub tenant: String,
    /// The locale, e.g. `en-GB`.
    pub locale: String,
    /// The IANA time zone.
    pub time_zone: String,
    /// The client app.
    #[serde(default)]
    pub client: Client,
    /// Where the person writes.
    #[serde(default)]
    pub surface: Surface,
}

/// A channel of a team in which the agent is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamChannel {
    /// `19:…@thread.tacv2`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The team id, which is the id of its General channel.
    pub team_id: String,
    /// The display name of the team.
    pub team_name: String,
    /// The tenant of the team.
    pub tenant: String,
}

impl Person {
    /// Returns the account in the format of the members endpoints.
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

    /// Whether `id` is the `29:` id or the Entra object id of the person.
    pub(super) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.entra_id.eq_ignore_ascii_case(id)
    }
}
