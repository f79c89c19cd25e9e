//! Activities: the unit of the channel's protocol (docs/protocol.md §5), and a builder for outbound messages.
//! Preserves members that it does not read. Does not send or receive.

mod account;
mod ai;
mod attachment;
mod entity;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::account::{ChannelAccount, ConversationAccount};
pub use self::ai::Citation;
pub use self::attachment::Attachment;
pub use self::entity::{Entity, Mention};
use crate::protocol::ids::{ActivityId, ChannelId, ConversationId, TenantId};

/// Unread members, preserved in a round trip.
pub type Extra = Map<String, Value>;

/// One activity (docs/protocol.md §5.2). Unknown types and members are accepted and survive a round trip.
///
/// # Examples
///
/// Building a message:
///
/// ```
/// use herald::protocol::activity::{Activity, Attachment};
/// use serde_json::json;
///
/// let card = Attachment::adaptive_card(json!({ "type": "AdaptiveCard", "version": "1.5", "body": [] }));
/// let message = Activity::message("Your order:").locale("en-GB").attach(card);
///
/// assert!(message.is("message"));
/// assert_eq!(message.attachments.len(), 1);
/// ```
///
/// Reading one:
///
/// ```
/// use herald::protocol::activity::Activity;
///
/// let json = r#"{"type":"message","text":"hi","futureMember":{"a":[1]}}"#;
/// let activity: Activity = serde_json::from_str(json)?;
/// assert_eq!(activity.text.as_deref(), Some("hi"));
/// assert_eq!(serde_json::to_value(&activity)?, serde_json::from_str::<serde_json::Value>(json)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Activity {
    /// The type: `message`, `typing`, `conversationUpdate`, …, compared exactly.
    #[serde(rename = "type")]
    pub kind: ActivityType,
    /// The id that the channel assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ActivityId>,
    /// The time at which the channel received it; any JSON value, because some channels send no valid timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
    /// URL of the connector, unchecked; a conversation reference holds it validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_url: Option<String>,
    /// The channel of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// The sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ChannelAccount>,
    /// The recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<ChannelAccount>,
    /// The conversation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationAccount>,
    /// The activity that it replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_id: Option<ActivityId>,
    /// The text of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The text of the client's notification, where the message is a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Language of the text or of the sender, e.g. `en-GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The sender's time zone, an IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_timezone: Option<String>,
    /// The delivery mode of replies: absent, `normal` or `expectReplies`; other values are treated as `normal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_mode: Option<String>,
    /// Cards and files.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub attachments: Vec<Attachment>,
    /// Mentions and other metadata of the text.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub entities: Vec<Entity>,
    /// Data specific to the channel (docs/protocol.md §5.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_data: Option<ChannelData>,
    /// Name of an `invoke` or `event`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Payload of an `invoke`, an `event` or a card's button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Action of an `installationUpdate`: `add`, `remove`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Members that a `conversationUpdate` adds.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub members_added: Vec<ChannelAccount>,
    /// Members that a `conversationUpdate` removes.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub members_removed: Vec<ChannelAccount>,
    /// All other members.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The type of an activity: an open set, compared exactly (docs/protocol.md §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityType(String);

/// Maximum length of a type, in bytes; those of the protocol are shorter than 20.
const MAX_TYPE_BYTES: usize = 256;

impl ActivityType {
    /// Whether the type is neither empty nor too long; it may be unknown.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        (1..=MAX_TYPE_BYTES).contains(&self.0.len())
    }

    /// Returns the type called `name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Returns the name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Data specific to the channel of an activity (docs/protocol.md §5.5).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
pub enum ChannelData {
    /// An object; some members are read.
    Known(Box<TeamsChannelData>),
    /// Any other JSON value, which only channels other than Teams use.
    Other(Value),
}

/// The channel data of Teams, as far as it is read.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamsChannelData {
    /// The tenant of the activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantData>,
    /// All other members.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `channelData.tenant` of Teams.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TenantData {
    /// The tenant's id.
    pub id: TenantId,
    /// All other members.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Activity {
    /// Returns a message with `text`.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::Activity;
    ///
    /// assert_eq!(Activity::message("Two days.").text.as_deref(), Some("Two days."));
    /// ```
    #[must_use]
    pub fn message(text: impl Into<String>) -> Self {
        Self { kind: ActivityType::named("message"), text: Some(text.into()), ..Self::default() }
    }

    /// Sets the language, e.g. `en-GB`.
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Adds `attachment`.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Whether the activity's type is `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.kind.as_str() == name
    }

    /// Returns the tenant of the conversation, or else that of the Teams channel data (docs/protocol.md §5.5).
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        let of_conversation = self.conversation.as_ref().and_then(|account| account.tenant_id.as_ref());
        of_conversation.or_else(|| self.teams_tenant())
    }

    /// Returns the id of the team in the channel data of Teams.
    #[must_use]
    pub fn team_id(&self) -> Option<ConversationId> {
        self.place_id("team", "teamsTeamId")
    }

    /// Returns the id of the team's channel in the channel data of Teams.
    #[must_use]
    pub fn team_channel_id(&self) -> Option<ConversationId> {
        self.place_id("channel", "teamsChannelId")
    }

    /// Returns the `eventType` in the channel data of Teams.
    #[must_use]
    pub fn team_event(&self) -> Option<&str> {
        self.teams_data()?.extra.get("eventType")?.as_str()
    }

    fn place_id(&self, object: &str, id: &str) -> Option<ConversationId> {
        let data = &self.teams_data()?.extra;
        let within =
            |member: &Value| member.get("id")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let beside = || data.get(id)?.as_str().map(str::to_owned);
        ConversationId::new(data.get(object).and_then(within).or_else(beside)?).ok()
    }

    fn teams_data(&self) -> Option<&TeamsChannelData> {
        let is_teams = self.channel_id.as_ref().is_some_and(|channel| channel.as_str() == "msteams");
        match self.channel_data.as_ref()? {
            ChannelData::Known(data) if is_teams => Some(data),
            ChannelData::Known(_) | ChannelData::Other(_) => None,
        }
    }

    /// Returns the tenant in the channel data of Teams; `None` on other channels, where the sender controls that member.
    #[must_use]
    pub fn teams_tenant(&self) -> Option<&TenantId> {
        Some(&self.teams_data()?.tenant.as_ref()?.id)
    }
}

/// Deserializes a list, treating `null` as empty, because some channels send it for an empty list.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

// Message text is personal data and must not be logged.
impl std::fmt::Debug for Activity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Activity").field("kind", &self.kind).field("id", &self.id).finish_non_exhaustive()
    }
}

impl TryFrom<Value> for ChannelData {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, serde_json::Error> {
        if value.is_object() {
            serde_json::from_value(value).map(Self::Known)
        } else {
            Ok(Self::Other(value))
        }
    }
}

impl std::fmt::Debug for ChannelData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelData").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
