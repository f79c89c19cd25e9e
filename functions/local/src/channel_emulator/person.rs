//! People and team channels, and how the connector describes people as members.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
