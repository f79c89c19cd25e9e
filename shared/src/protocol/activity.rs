//! Activities: the unit of the channel's protocol (docs/protocol.md §5).
//! Members this crate does not read are kept as they came; nothing here knows a transport.

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
use crate::protocol::ids::{ActivityId, ChannelId, TenantId};

/// Members that were not read, kept for the round trip.
pub type Extra = Map<String, Value>;

/// One activity (docs/protocol.md §5.2). Unknown types and members are accepted and survive a round trip.
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
    /// What it is: `message`, `typing`, `conversationUpdate`, … Compared exactly.
    #[serde(rename = "type")]
    pub kind: ActivityType,
    /// Given by the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ActivityId>,
    /// When the channel says it happened. Kept as text: it may be anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
    /// Where the conversation's connector answers, as the channel spells it; a reference holds it checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_url: Option<String>,
    /// The channel it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ChannelAccount>,
    /// Who receives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<ChannelAccount>,
    /// The conversation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationAccount>,
    /// The activity it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_id: Option<ActivityId>,
    /// What is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The notification's text where the activity is a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Language of the text or of the sender, e.g. `en-GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The sender's time zone, an IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_timezone: Option<String>,
    /// How the answer is wanted: absent or `normal`, `expectReplies`; anything else is read as normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_mode: Option<String>,
    /// Cards and files.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub attachments: Vec<Attachment>,
    /// Mentions and other marks on the text.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub entities: Vec<Entity>,
    /// What the channel adds of its own (docs/protocol.md §5.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_data: Option<ChannelData>,
    /// Name of an `invoke` or `event`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Payload of an `invoke`, an `event` or a card's button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Of an `installationUpdate`: `add`, `remove`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Of a `conversationUpdate`: who came.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub members_added: Vec<ChannelAccount>,
    /// Of a `conversationUpdate`: who left.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub members_removed: Vec<ChannelAccount>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The type of an activity: an open set, compared exactly (docs/protocol.md §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityType(String);

/// Longest name of a type, in bytes; the protocol's own are below 20.
const MAX_TYPE_BYTES: usize = 256;

impl ActivityType {
    /// Whether it names a type, known or not.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        (1..=MAX_TYPE_BYTES).contains(&self.0.len())
    }

    /// The type with this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a channel adds to an activity (docs/protocol.md §5.5).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
pub enum ChannelData {
    /// An object, of which a part is read.
    Known(Box<TeamsChannelData>),
    /// Anything else, which only channels other than Teams use.
    Other(Value),
}

/// The part of the channel's data that is read here: Teams'.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TeamsChannelData {
    /// The tenant the activity happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantData>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `channelData.tenant` of Teams.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TenantData {
    /// The tenant's id.
    pub id: TenantId,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Activity {
    /// A message that says `text`.
    #[must_use]
    pub fn message(text: impl Into<String>) -> Self {
        Self { kind: ActivityType::named("message"), text: Some(text.into()), ..Self::default() }
    }

    /// The same activity in `locale`, e.g. `en-GB`.
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// The same activity with `attachment` added.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Whether its type is `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.kind.as_str() == name
    }

    /// The tenant it happened in: the conversation's, or else Teams' own member (docs/protocol.md §5.5).
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        let of_conversation = self.conversation.as_ref().and_then(|at| at.tenant_id.as_ref());
        of_conversation.or_else(|| self.teams_tenant())
    }

    /// The tenant that Teams names beside the conversation. On other channels whoever writes can fill that member.
    #[must_use]
    pub fn teams_tenant(&self) -> Option<&TenantId> {
        let is_teams = self.channel_id.as_ref().is_some_and(|channel| channel.as_str() == "msteams");
        match self.channel_data.as_ref()? {
            ChannelData::Known(data) if is_teams => Some(&data.tenant.as_ref()?.id),
            ChannelData::Known(_) | ChannelData::Other(_) => None,
        }
    }
}

/// Some channels write `null` for a list with nothing in it.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

// What people write must not reach a log, not even through `{:?}`.
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
