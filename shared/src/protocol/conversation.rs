//! Conversation references: what must be kept to speak in a conversation again (docs/protocol.md §5.3).
//! Where they are kept is [`crate::aws::table`]'s; what happens to them over time is [`lifecycle`].

pub mod lifecycle;

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::protocol::activity::{Activity, ChannelAccount, ConversationAccount};
use crate::protocol::ids::{ActivityId, ChannelId, ClientId, ConversationId, EntraId, TenantId};
use crate::protocol::service_url::{InvalidServiceUrl, ServiceUrl};
use crate::protocol::team::TeamChannel;

/// What must be kept to speak in a conversation again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationReference {
    /// The channel the conversation is on.
    pub channel_id: ChannelId,
    /// Where its connector answers.
    pub service_url: ServiceUrl,
    /// The conversation.
    pub conversation: ConversationAccount,
    /// The agent's account there; `agent` in references that Microsoft's JS SDK wrote.
    #[serde(rename = "bot", alias = "agent")]
    pub agent: ChannelAccount,
    /// The person who spoke last, and in a personal conversation the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<ChannelAccount>,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The person's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The person's time zone, an IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Why an inbound activity names no conversation to speak in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// A member is missing.
    #[error("activity has no `{0}`")]
    Missing(&'static str),
    /// Its service URL cannot be used.
    #[error(transparent)]
    ServiceUrl(#[from] InvalidServiceUrl),
}

/// What one reference is found by: agent, cloud, tenant, channel and conversation, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReferenceKey(String);

impl ReferenceKey {
    /// The key that a record has.
    pub(crate) fn stored(key: String) -> Self {
        Self(key)
    }

    /// The key as 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConversationReference {
    /// The reference that an inbound `activity` carries.
    ///
    /// # Errors
    ///
    /// When a member that is needed to answer is missing or unusable; the error names it.
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
            locale: activity.locale.clone(),
            timezone: activity.local_timezone.clone(),
        })
    }

    /// The reference to a personal conversation that was just created for `user`.
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
            locale: None,
            timezone: None,
        }
    }

    /// The reference to a channel of a team, or to the thread in it that begins with the activity `root`.
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
            locale: None,
            timezone: None,
        })
    }

    /// What the reference is found by. `cloud` is the issuer of the channel's tokens.
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

    /// The person a personal conversation is with, where the channel told the Entra id and the tenant.
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

/// A person by Entra id: enough to start a personal conversation (docs/protocol.md §7.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The channel to speak on; Teams unless said otherwise.
    #[serde(default = "teams")]
    pub channel: ChannelId,
    /// The person's tenant.
    pub tenant: TenantId,
    /// The person's object id in that tenant.
    pub id: EntraId,
}

impl User {
    /// A person on Teams.
    #[must_use]
    pub fn of_teams(tenant: TenantId, id: EntraId) -> Self {
        Self { channel: teams(), tenant, id }
    }

    /// What a person's conversation is found by.
    #[must_use]
    pub fn key(&self, agent: &ClientId, cloud: &str) -> String {
        let tenant = self.tenant.as_str().to_ascii_lowercase();
        let id = match self.is_by_channel() {
            true => self.id.as_str().to_owned(),
            false => self.id.as_str().to_ascii_lowercase(),
        };
        hash::sha256(&[agent.as_str(), cloud, self.channel.as_str(), &tenant, &id])
    }

    /// Whether both name one person: ids are GUIDs, spelled in either case, except for those of a channel (`29:…`).
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let is_same_id = match self.is_by_channel() {
            true => self.id == other.id,
            false => self.id.as_str().eq_ignore_ascii_case(other.id.as_str()),
        };
        is_same_id && self.channel == other.channel && self.tenant.is(&other.tenant)
    }

    /// Whether the id is the channel's own (`29:…`) and not Entra's.
    #[must_use]
    pub fn is_by_channel(&self) -> bool {
        self.id.as_str().starts_with("29:")
    }

    fn as_account(&self) -> Option<ChannelAccount> {
        let id = crate::protocol::ids::AccountId::new(self.id.as_str()).ok()?;
        let aad_object_id = (!self.is_by_channel()).then(|| self.id.clone());
        Some(ChannelAccount { aad_object_id, ..ChannelAccount::new(id) })
    }
}

pub(crate) fn teams() -> ChannelId {
    // A literal that is neither empty nor long.
    ChannelId::new("msteams").unwrap_or_else(|_| unreachable!("`msteams` is an id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_the_js_sdk_are_read_and_written_back_as_bot() {
        let theirs = serde_json::json!({
            "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/",
            "conversation": { "id": "a:1" },
            "agent": { "id": "28:app" },
        });

        let reference: ConversationReference = serde_json::from_value(theirs).unwrap();

        assert_eq!(serde_json::to_value(reference).unwrap()["bot"]["id"], "28:app");
    }

    #[test]
    fn a_missing_member_is_named() {
        let error = ConversationReference::of(&Activity::message("hi")).unwrap_err();

        assert_eq!(error.to_string(), "activity has no `channelId`");
    }
}
