//! Conversation references: what is stored to send to a conversation later (docs/protocol.md §5.3).
//! Does not store them; [`crate::aws::table`] does. [`lifecycle`] decides when one is removed.

mod details;
pub mod lifecycle;
#[cfg(test)]
mod merge_tests;
mod person;
mod record;

use serde::{Deserialize, Serialize};

pub use self::details::{Dated, Details};
pub use self::person::Person;
pub use self::record::{ReferenceRecord, ReferenceState, Update};
use crate::hash;
use crate::protocol::activity::{Activity, ChannelAccount, ConversationAccount, Extra};
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
/// assert!(reference.is_personal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationReference {
    /// The channel of the conversation, without a sub-channel.
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
    /// Whether the conversation is a thread of Microsoft 365 Copilot, which shares the channel of Teams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copilot: bool,
}

/// Surface of a personal conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConversationSurface {
    /// Chat with the agent.
    #[default]
    Chat,
    /// Microsoft 365 Copilot, where each thread is a conversation (docs/protocol.md §7.1).
    Copilot,
}

impl ConversationSurface {
    /// Returns the surface with this name in the configuration.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "chat" => Some(Self::Chat),
            "copilot" => Some(Self::Copilot),
            _ => None,
        }
    }
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

        let channel_id = activity.channel_id.as_ref().ok_or(Missing("channelId"))?.base();
        let service_url = activity.service_url.as_deref().ok_or(Missing("serviceUrl"))?;
        Ok(Self {
            channel_id,
            conversation: activity.conversation.clone().ok_or(Missing("conversation"))?,
            agent: activity.recipient.clone().ok_or(Missing("recipient"))?,
            service_url: ServiceUrl::new(service_url)?,
            user: activity.from.clone(),
            tenant_id: activity.tenant().cloned(),
            team_id: activity.team_id(),
            locale: activity.sender_locale().map(str::to_owned),
            timezone: activity.sender_timezone().map(str::to_owned),
            is_copilot: activity.is_copilot(),
        })
    }

    /// Returns the reference of a newly created personal conversation with `user`.
    #[must_use]
    pub fn created(
        conversation: ConversationId,
        service_url: ServiceUrl,
        user: &User,
        agent: ChannelAccount,
        surface: ConversationSurface,
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
            is_copilot: surface == ConversationSurface::Copilot,
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
            is_copilot: false,
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

    /// Whether the conversation is between one person and the agent: on Teams only where the channel says so.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        match self.conversation.conversation_type.as_deref() {
            Some(kind) => kind == "personal",
            // A meeting's chat may have neither type nor group flag (docs/protocol.md §5.2).
            None => !self.channel_id.is_teams() && self.conversation.is_group != Some(true),
        }
    }

    /// Returns the surface of the conversation.
    #[must_use]
    pub fn surface(&self) -> ConversationSurface {
        if self.is_copilot { ConversationSurface::Copilot } else { ConversationSurface::Chat }
    }

    /// Adds what `known`, another reference of this conversation, tells of the conversation and this one leaves out.
    pub fn complete_conversation(&mut self, known: &Self) {
        let (account, other) = (&mut self.conversation, &known.conversation);
        account.conversation_type =
            account.conversation_type.take().or_else(|| other.conversation_type.clone());
        account.is_group = account.is_group.or(other.is_group);
        account.tenant_id = account.tenant_id.take().or_else(|| other.tenant_id.clone());
        complete_extra(&mut account.extra, &other.extra);
        self.tenant_id = self.tenant_id.take().or_else(|| known.tenant_id.clone());
        self.team_id = self.team_id.take().or_else(|| known.team_id.clone());
        self.agent.name = self.agent.name.take().or_else(|| known.agent.name.clone());
        self.is_copilot |= known.is_copilot;
    }

    /// Adds what `known` tells of the user and this one leaves out, unless they are two persons.
    pub fn complete_user(&mut self, known: &Self) {
        self.user = match (self.user.take(), &known.user) {
            (Some(user), Some(other)) if is_one_person(other, &user) => Some(complete_account(user, other)),
            (Some(user), _) => Some(user),
            (None, other) => other.clone(),
        };
    }

    /// Returns the user of a personal conversation, where the Entra id and the tenant are known.
    #[must_use]
    pub fn person(&self) -> Option<User> {
        if !self.is_personal() {
            return None;
        }
        self.sender()
    }

    /// Returns the user who sent the last activity, where the Entra id and the tenant are known.
    #[must_use]
    pub fn sender(&self) -> Option<User> {
        Some(User {
            channel: self.channel_id.clone(),
            tenant: self.tenant_id.clone()?,
            id: self.user.as_ref()?.aad_object_id.clone()?,
        })
    }
}

/// Whose preferences and subscriptions apply in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person, in all their personal conversations: the key of [`User::key`].
    Person(String),
    /// A conversation of several people, or with a person who is not known by Entra id.
    Conversation(ReferenceKey),
}

impl Subject {
    /// Returns the key, 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Person(key) => key,
            Self::Conversation(key) => key.as_str(),
        }
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

/// Whether two accounts of a conversation are one person: `known`, and the one of a later or earlier activity.
pub(crate) fn is_one_person(known: &ChannelAccount, other: &ChannelAccount) -> bool {
    let has_entra_id = |account: &ChannelAccount, id: &str| {
        account.aad_object_id.as_ref().is_some_and(|own| own.as_str().eq_ignore_ascii_case(id))
    };
    match (&known.aad_object_id, &other.aad_object_id) {
        (Some(one), Some(other)) => one.as_str().eq_ignore_ascii_case(other.as_str()),
        // Until a person writes, the account of a conversation created with them is called by the Entra id.
        (Some(_), None) | (None, Some(_)) | (None, None) => {
            known.id == other.id
                || has_entra_id(known, other.id.as_str())
                || has_entra_id(other, known.id.as_str())
        }
    }
}

/// Returns `account` with what it leaves out and `known` has.
fn complete_account(mut account: ChannelAccount, known: &ChannelAccount) -> ChannelAccount {
    account.name = account.name.take().filter(|name| !name.is_empty()).or_else(|| known.name.clone());
    account.aad_object_id = account.aad_object_id.take().or_else(|| known.aad_object_id.clone());
    complete_extra(&mut account.extra, &known.extra);
    account
}

fn complete_extra(extra: &mut Extra, known: &Extra) {
    for (name, value) in known {
        extra.entry(name.clone()).or_insert_with(|| value.clone());
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
