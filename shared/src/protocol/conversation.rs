//! Conversation references: what is stored to send to a conversation later (docs/protocol.md §5.3).
//! Does not store them; [`crate::aws::table`] does. [`lifecycle`] decides when one is removed.

pub mod lifecycle;

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::protocol::activity::{Activity, ChannelAccount, ConversationAccount};
use crate::protocol::ids::{ActivityId, ChannelId, ClientId, ConversationId, EntraId, TenantId};
use crate::protocol::service_url::{InvalidServiceUrl, ServiceUrl};
use crate::protocol::team::{TeamChannel, channel_of};

/// The members that are needed to send to a conversation later.
///
/// # Examples
///
/// ```
/// use herald::protocol::activity::Activity;
/// use herald::protocol::conversation::ConversationReference;
///
/// let activity: Activity = serde_json::from_value(serde_json::json!({
///     "type": "message",
///     "channelId": "msteams",
///     "serviceUrl": "https://smba.trafficmanager.net/emea/",
///     "conversation": { "id": "a:1", "conversationType": "personal" },
///     "from": { "id": "29:dana" },
///     "recipient": { "id": "28:agent" },
/// }))?;
///
/// let reference = ConversationReference::of(&activity)?;
///
/// assert!(reference.conversation.is_personal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationReference {
    /// The channel of the conversation.
    pub channel_id: ChannelId,
    /// The URL of the connector.
    pub service_url: ServiceUrl,
    /// The conversation.
    pub conversation: ConversationAccount,
    /// The agent's account in the conversation; called `agent` by Microsoft's JavaScript SDK.
    #[serde(rename = "bot", alias = "agent")]
    pub agent: ChannelAccount,
    /// The user who sent the last activity; in a personal conversation the only user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<ChannelAccount>,
    /// The tenant of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The team of a channel's conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<ConversationId>,
    /// The user's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The user's time zone, an IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Why an inbound activity has no valid conversation reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// A required member is missing.
    #[error("activity has no `{0}`")]
    Missing(&'static str),
    /// The service URL is invalid.
    #[error(transparent)]
    ServiceUrl(#[from] InvalidServiceUrl),
}

/// The key of a stored reference: a hash of agent, cloud, tenant, channel and conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReferenceKey(String);

impl ReferenceKey {
    /// Returns the key of a stored record.
    pub(crate) fn stored(key: String) -> Self {
        Self(key)
    }

    /// Returns the key as 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConversationReference {
    /// Returns the reference of an inbound `activity`.
    ///
    /// # Errors
    ///
    /// [`InvalidReference`] when a required member is missing or invalid.
    pub fn of(activity: &Activity) -> Result<Self, InvalidReference> {
        use InvalidReference::Missing;

        let channel_id = activity.channel_id.clone().ok_or(Missing("channelId"))?;
        let service_url = activity.service_url.as_deref().ok_or(Missing("serviceUrl"))?;
        Ok(Self {
            channel_id,
            conversation: activity.conversation.clone().ok_or(Missing("conversation"))?,
            agent: activity.recipient.clone().ok_or(Missing("recipient"))?,
            service_url: ServiceUrl::new(service_url)?,
            user: activity.from.clone(),
            tenant_id: activity.tenant().cloned(),
            team_id: activity.team_id(),
            locale: activity.locale.clone(),
            timezone: activity.local_timezone.clone(),
        })
    }

    /// Returns the reference of a newly created personal conversation with `user`.
    #[must_use]
    pub fn created(
        conversation: ConversationId,
        service_url: ServiceUrl,
        user: &User,
        agent: ChannelAccount,
    ) -> Self {
        let mut account = ConversationAccount::new(conversation);
        account.conversation_type = Some("personal".to_owned());
        account.tenant_id = Some(user.tenant.clone());
        Self {
            channel_id: user.channel.clone(),
            service_url,
            conversation: account,
            agent,
            user: user.as_account(),
            tenant_id: Some(user.tenant.clone()),
            team_id: None,
            locale: None,
            timezone: None,
        }
    }

    /// Returns the reference of a channel of a team, or of the thread in it that starts with the activity `root`.
    #[must_use]
    pub fn of_thread(
        channel: &TeamChannel,
        root: Option<&ActivityId>,
        service_url: ServiceUrl,
        agent: ChannelAccount,
    ) -> Option<Self> {
        let id = match root {
            Some(root) => ConversationId::new(format!("{};messageid={root}", channel.id)).ok()?,
            None => channel.id.clone(),
        };
        let mut account = ConversationAccount::new(id);
        account.conversation_type = Some("channel".to_owned());
        account.is_group = Some(true);
        account.tenant_id = Some(channel.tenant.clone());
        Some(Self {
            channel_id: teams(),
            service_url,
            conversation: account,
            agent,
            user: None,
            tenant_id: Some(channel.tenant.clone()),
            team_id: None,
            locale: None,
            timezone: None,
        })
    }

    /// Returns the channel of a team that the conversation is in, where its team is known.
    #[must_use]
    pub fn team_channel(&self) -> Option<TeamChannel> {
        self.team_id.as_ref()?;
        Some(TeamChannel { tenant: self.tenant_id.clone()?, id: channel_of(&self.conversation.id)? })
    }

    /// Returns the key of the reference; `cloud` is the issuer of the channel's tokens.
    #[must_use]
    pub fn key(&self, agent: &ClientId, cloud: &str) -> ReferenceKey {
        let tenant = self.tenant_id.as_ref().map_or("", TenantId::as_str).to_ascii_lowercase();
        ReferenceKey(hash::sha256(&[
            agent.as_str(),
            cloud,
            &tenant,
            self.channel_id.as_str(),
            self.conversation.id.as_str(),
        ]))
    }

    /// Returns the user of a personal conversation, where the Entra id and the tenant are known.
    #[must_use]
    pub fn person(&self) -> Option<User> {
        if !self.conversation.is_personal() {
            return None;
        }
        Some(User {
            channel: self.channel_id.clone(),
            tenant: self.tenant_id.clone()?,
            id: self.user.as_ref()?.aad_object_id.clone()?,
        })
    }
}

/// A user by Entra id, which is sufficient to create a personal conversation (docs/protocol.md §7.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The channel to use; defaults to Teams.
    #[serde(default = "teams")]
    pub channel: ChannelId,
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user's object id in that tenant.
    pub id: EntraId,
}

impl User {
    /// Returns a user of Teams.
    #[must_use]
    pub fn of_teams(tenant: TenantId, id: EntraId) -> Self {
        Self { channel: teams(), tenant, id }
    }

    /// Returns the key of the user's personal conversation; `cloud` is the issuer of the channel's tokens.
    #[must_use]
    pub fn key(&self, agent: &ClientId, cloud: &str) -> String {
        let tenant = self.tenant.as_str().to_ascii_lowercase();
        let id = match self.has_channel_id() {
            true => self.id.as_str().to_owned(),
            false => self.id.as_str().to_ascii_lowercase(),
        };
        hash::sha256(&[agent.as_str(), cloud, self.channel.as_str(), &tenant, &id])
    }

    /// Whether both are one user; ids are compared ignoring case, except those of a channel (`29:…`).
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let is_same_id = match self.has_channel_id() {
            true => self.id == other.id,
            false => self.id.as_str().eq_ignore_ascii_case(other.id.as_str()),
        };
        is_same_id && self.channel == other.channel && self.tenant.is(&other.tenant)
    }

    /// Whether the id is one of the channel (`29:…`) and not of Entra.
    #[must_use]
    pub fn has_channel_id(&self) -> bool {
        self.id.as_str().starts_with("29:")
    }

    fn as_account(&self) -> Option<ChannelAccount> {
        let id = crate::protocol::ids::AccountId::new(self.id.as_str()).ok()?;
        let aad_object_id = (!self.has_channel_id()).then(|| self.id.clone());
        Some(ChannelAccount { aad_object_id, ..ChannelAccount::new(id) })
    }
}

pub(crate) fn teams() -> ChannelId {
    // The literal is a valid id.
    ChannelId::new("msteams").unwrap_or_else(|_| unreachable!("`msteams` is an id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_agent_is_read_and_written_as_bot() {
        let json = serde_json::json!({
            "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/",
            "conversation": { "id": "a:1" },
            "agent": { "id": "28:app" },
        });

        let reference: ConversationReference = serde_json::from_value(json).unwrap();

        assert_eq!(serde_json::to_value(reference).unwrap()["bot"]["id"], "28:app");
    }

    #[test]
    fn error_names_the_missing_member() {
        let error = ConversationReference::of(&Activity::message("hi")).unwrap_err();

        assert_eq!(error.to_string(), "activity has no `channelId`");
    }
}
