//! Audiences: the recipients of a broadcast, as specified by a schedule, an event or an operator.
//! Decides membership; the planner enumerates the members page by page.

mod check;
mod membership;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::check::{InvalidAudience, MAX_LISTED};
pub use self::membership::{Candidate, TopicSubscription};
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ConversationReference, ReferenceKey, User};
use crate::protocol::ids::{ChannelId, EntraId, TenantId};
use crate::protocol::team::{Team, TeamChannel};

/// Recipients of a broadcast.
///
/// # Examples
///
/// ```
/// use herald::broadcast::audience::Audience;
///
/// let audience: Audience = serde_json::from_value(serde_json::json!({
///     "kind": "any",
///     "of": [{ "kind": "segment", "locales": ["de"] }, { "kind": "topic", "topic": "news" }],
/// }))?;
/// audience.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Audience {
    /// Every person with a personal conversation.
    // A unit variant would accept unknown members, and a misspelt filter would send to everyone.
    Everyone {},
    /// Every conversation of one kind that matches the filters.
    Segment(Segment),
    /// One person by Entra id or `29:` id, with or without a conversation.
    User(User),
    /// Listed people, each with values for the content.
    Users {
        /// The people, at most [`MAX_LISTED`].
        users: Vec<ListedUser>,
    },
    /// One conversation by the key of its reference, as `inbound` logs it.
    Conversation {
        /// Key of 64 hexadecimal digits.
        reference: ReferenceKey,
    },
    /// A channel of a team, in a new thread.
    Channel(TeamChannel),
    /// The members of a team at the start, each in a personal conversation.
    Team(Team),
    /// Every conversation that is subscribed to a topic.
    Topic {
        /// The topic.
        topic: Topic,
    },
    /// Union of `of` without the members of `except`; each recipient once.
    Any {
        /// Included audiences.
        of: Vec<Audience>,
        /// Excluded audiences.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        except: Vec<Audience>,
    },
}

/// Conversations that match every filter; an absent filter matches all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<TenantId>>,
    /// Languages; `de` matches `de-CH`, `de-CH` does not match `de`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locales: Option<Vec<String>>,
    /// Kind of conversation; by default personal.
    #[serde(default)]
    pub conversations: ConversationKind,
}

/// Kind of conversation that can be enumerated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationKind {
    /// Conversation of one person with the agent.
    #[default]
    Personal,
    /// Chat of several people.
    GroupChat,
}

/// One person of [`Audience::Users`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedUser {
    /// Channel; by default Teams.
    #[serde(default = "crate::protocol::conversation::teams")]
    pub channel: ChannelId,
    /// Tenant of the person.
    pub tenant: TenantId,
    /// Entra object id or `29:` id of the person.
    pub id: EntraId,
    /// Values of the content's variables for this person.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

impl ListedUser {
    /// Returns the person without the values.
    #[must_use]
    pub fn user(&self) -> User {
        User { channel: self.channel.clone(), tenant: self.tenant.clone(), id: self.id.clone() }
    }
}

impl ConversationKind {
    /// Returns the kind of a conversation; `None` if it cannot be enumerated.
    #[must_use]
    pub fn of(reference: &ConversationReference) -> Option<Self> {
        if reference.is_personal() {
            return Some(Self::Personal);
        }
        let kind = reference.conversation.conversation_type.as_deref();
        (kind == Some("groupChat")).then_some(Self::GroupChat)
    }
}

impl Audience {
    /// Returns the included audiences in planning order.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        if let Self::Any { of, .. } = self { of } else { std::slice::from_ref(self) }
    }

    /// Returns the values of each listed recipient; `None` stands for recipients without values.
    #[must_use]
    pub fn values(&self) -> Vec<Option<&Map<String, Value>>> {
        self.parts().iter().flat_map(Self::values_of_part).collect()
    }

    fn values_of_part(&self) -> Vec<Option<&Map<String, Value>>> {
        match self {
            Self::Users { users } => users.iter().map(|user| Some(&user.values)).collect(),
            Self::Everyone {}
            | Self::Segment(_)
            | Self::User(_)
            | Self::Conversation { .. }
            | Self::Channel(_)
            | Self::Team(_)
            | Self::Topic { .. }
            | Self::Any { .. } => vec![None],
        }
    }

    /// Returns the teams it refers to, each once.
    #[must_use]
    pub fn teams(&self) -> Vec<&Team> {
        self.distinct(|part| if let Self::Team(team) = part { Some(team) } else { None })
    }

    /// Returns the topics it refers to, each once.
    #[must_use]
    pub fn topics(&self) -> Vec<&Topic> {
        self.distinct(|part| if let Self::Topic { topic } = part { Some(topic) } else { None })
    }

    /// Returns what its parts and exceptions refer to, each once.
    fn distinct<T: PartialEq>(&self, select: impl Fn(&Self) -> Option<&T>) -> Vec<&T> {
        let except = if let Self::Any { except, .. } = self { except.as_slice() } else { &[] };
        let mut distinct = Vec::new();
        for item in self.parts().iter().chain(except).filter_map(select) {
            if !distinct.contains(&item) {
                distinct.push(item);
            }
        }
        distinct
    }
}

#[cfg(test)]
mod tests;
