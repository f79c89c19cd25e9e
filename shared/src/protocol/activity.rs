//! Activities: the unit of the channel's protocol (docs/protocol.md §5), and a builder for outbound messages.
//! Preserves members that it does not read. Does not send or receive.

mod account;
mod ai;
mod attachment;
mod copilot;
mod entity;
mod lenient;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::account::{ChannelAccount, ConversationAccount};
pub use self::ai::Citation;
pub use self::attachment::Attachment;
pub use self::entity::{Entity, Mention};
use self::lenient::{Member, lenient_members};
use crate::protocol::ids::{ActivityId, ChannelId, ConversationId, TenantId};

/// Unread members, preserved in a round trip.
pub type Extra = Map<String, Value>;

/// One activity (docs/protocol.md §5.2). Unknown types and members are accepted and survive a round trip, and so does a
/// known member of an unexpected shape, which reads as absent.
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
#[derive(Clone, Default, PartialEq)]
pub struct Activity {
    /// The type: `message`, `typing`, `conversationUpdate`, …, compared exactly.
    pub kind: ActivityType,
    /// The id that the channel assigned.
    pub id: Option<ActivityId>,
    /// The time at which the channel received it; any JSON value, because some channels send no valid timestamp.
    pub timestamp: Option<Value>,
    /// URL of the connector, unchecked; a conversation reference holds it validated.
    pub service_url: Option<String>,
    /// The channel of the conversation.
    pub channel_id: Option<ChannelId>,
    /// The sender.
    pub from: Option<ChannelAccount>,
    /// The recipient.
    pub recipient: Option<ChannelAccount>,
    /// The conversation it belongs to.
    pub conversation: Option<ConversationAccount>,
    /// The activity that it replies to.
    pub reply_to_id: Option<ActivityId>,
    /// The text of a message.
    pub text: Option<String>,
    /// The text of the client's notification, where the message is a card.
    pub summary: Option<String>,
    /// Language of the text or of the sender, e.g. `en-GB`.
    pub locale: Option<String>,
    /// The sender's time zone, an IANA name.
    pub local_timezone: Option<String>,
    /// The delivery mode of replies: absent, `normal` or `expectReplies`; other values are treated as `normal`.
    pub delivery_mode: Option<String>,
    /// Cards and files.
    pub attachments: Vec<Attachment>,
    /// Mentions and other metadata of the text.
    pub entities: Vec<Entity>,
    /// Data specific to the channel (docs/protocol.md §5.5).
    pub channel_data: Option<ChannelData>,
    /// Name of an `invoke` or `event`.
    pub name: Option<String>,
    /// Payload of an `invoke`, an `event` or a card's button.
    pub value: Option<Value>,
    /// Action of an `installationUpdate`: `add`, `remove`, …
    pub action: Option<String>,
    /// Members that a `conversationUpdate` adds.
    pub members_added: Vec<ChannelAccount>,
    /// Members that a `conversationUpdate` removes.
    pub members_removed: Vec<ChannelAccount>,
    /// All other members, and those above whose value has an unexpected shape, which read as absent.
    pub extra: Extra,
}

lenient_members! { Activity {
    kind = "type",
    id = "id",
    timestamp = "timestamp",
    service_url = "serviceUrl",
    channel_id = "channelId",
    from = "from",
    recipient = "recipient",
    conversation = "conversation",
    reply_to_id = "replyToId",
    text = "text",
    summary = "summary",
    locale = "locale",
    local_timezone = "localTimezone",
    delivery_mode = "deliveryMode",
    attachments = "attachments",
    entities = "entities",
    channel_data = "channelData",
    name = "name",
    value = "value",
    action = "action",
    members_added = "membersAdded",
    members_removed = "membersRemoved",
} }

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

impl Member for ActivityType {
    fn read(value: &Value) -> (Self, bool) {
        let (name, is_exact) = String::read(value);
        (Self(name), is_exact)
    }

    fn is_absent(&self) -> bool {
        self.0.is_empty()
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
#[derive(Clone, Default, PartialEq)]
pub struct TeamsChannelData {
    /// The tenant of the activity.
    pub tenant: Option<TenantData>,
    /// All other members.
    pub extra: Extra,
}

lenient_members! { TeamsChannelData { tenant = "tenant", } }

/// `channelData.tenant` of Teams.
#[derive(Clone, Default, PartialEq)]
pub struct TenantData {
    /// The tenant's id.
    pub id: Option<TenantId>,
    /// All other members.
    pub extra: Extra,
}

lenient_members! { TenantData { id = "id", } }

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

    /// Returns the tenant of a conversation on Teams: that of the conversation, or else that of the channel data
    /// (docs/protocol.md §5.5); `None` on other channels, where the sender controls both members.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        if !self.channel_id.as_ref().is_some_and(ChannelId::is_teams) {
            return None;
        }
        let of_conversation = self.conversation.as_ref().and_then(|account| account.tenant_id.as_ref());
        of_conversation.or_else(|| match self.channel_data.as_ref()? {
            ChannelData::Known(data) => data.tenant.as_ref()?.id.as_ref(),
            ChannelData::Other(_) => None,
        })
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
        let is_teams = self.channel_id.as_ref().is_some_and(ChannelId::is_teams);
        match self.channel_data.as_ref()? {
            ChannelData::Known(data) if is_teams => Some(data),
            ChannelData::Known(_) | ChannelData::Other(_) => None,
        }
    }

    /// Returns the sender's language: that of the activity, else that of its `clientInfo` entity (docs/protocol.md §5.7).
    #[must_use]
    pub fn sender_locale(&self) -> Option<&str> {
        let own = self.locale.as_deref().filter(|locale| !locale.trim().is_empty());
        own.or_else(|| self.client_info("locale"))
    }

    /// Returns the sender's time zone: that of the activity, else that of its `clientInfo` entity (docs/protocol.md §5.7).
    /// A name that is in no time zone database counts as absent.
    #[must_use]
    pub fn sender_timezone(&self) -> Option<&str> {
        let is_known = |zone: &&str| jiff::tz::TimeZone::get(zone).is_ok();
        let own = self.local_timezone.as_deref().filter(is_known);
        own.or_else(|| self.client_info("timezone").filter(is_known))
    }

    /// Returns a string of the `clientInfo` entity, unless it is empty.
    fn client_info(&self, member: &str) -> Option<&str> {
        let mut infos = self.entities.iter().filter(|entity| entity.kind == "clientInfo");
        infos.find_map(|info| info.extra.get(member)?.as_str().filter(|value| !value.trim().is_empty()))
    }

    /// Returns the tenants that the activity names, as spelled: in the conversation, and in the channel data of Teams.
    ///
    /// Also those that are no valid id and therefore read as absent; not the empty ones, which name none.
    pub fn named_tenants(&self) -> impl Iterator<Item = &str> {
        let is_teams = self.channel_id.as_ref().is_some_and(ChannelId::is_teams);
        let of_conversation = self.conversation.as_ref().and_then(|account| {
            let preserved = || account.extra.get("tenantId").and_then(Value::as_str);
            account.tenant_id.as_ref().map(TenantId::as_str).or_else(preserved)
        });
        let of_channel_data = match self.channel_data.as_ref() {
            Some(ChannelData::Known(data)) if is_teams => data.tenant.as_ref().and_then(|tenant| {
                let preserved = || tenant.extra.get("id").and_then(Value::as_str);
                tenant.id.as_ref().map(TenantId::as_str).or_else(preserved)
            }),
            Some(ChannelData::Known(_) | ChannelData::Other(_)) | None => None,
        };
        [of_conversation, of_channel_data].into_iter().flatten().filter(|tenant| !tenant.is_empty())
    }
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
