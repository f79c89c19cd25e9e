//! Audiences: who is to hear of something, as a schedule, an event or an operator names them.
//! It says who belongs to one; finding them is the planner's, page by page.

mod check;
mod membership;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::check::{InvalidAudience, MAX_LISTED};
pub use self::membership::{Candidate, TopicSubscriptions};
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ConversationReference, ReferenceKey, User};
use crate::protocol::ids::{ChannelId, EntraId, TenantId};
use crate::protocol::team::{Team, TeamChannel};

/// Who is to hear of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Audience {
    /// Every person who has a personal conversation with the agent.
    // A unit variant would let other members pass, and a misspelt filter would tell everyone.
    Everyone {},
    /// Every conversation of one kind that the filters let through.
    Segment(Segment),
    /// One person by Entra id or `29:` id, with or without a conversation.
    User(User),
    /// The people listed, each with values of their own for the content.
    Users {
        /// At most [`MAX_LISTED`].
        users: Vec<ListedUser>,
    },
    /// One conversation by its reference's key, as `inbound` logs it.
    Conversation {
        /// 64 hexadecimal digits.
        reference: ReferenceKey,
    },
    /// A channel of a team: a new thread in it.
    Channel(TeamChannel),
    /// The members of a team, each in their personal conversation, as the team's roster has them when it begins.
    Team(Team),
    /// Every conversation that subscribed to a topic.
    Topic {
        /// The topic.
        topic: Topic,
    },
    /// Everybody in one of `of` and in none of `except`; who is in several is told once.
    Any {
        /// Who is meant.
        of: Vec<Audience>,
        /// Who is not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        except: Vec<Audience>,
    },
}

/// A part of all conversations: those that every filter lets through; an absent filter lets all through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Of these tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Vec<TenantId>>,
    /// In these languages: `de` lets `de-CH` through, `de-CH` does not let `de` through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locales: Option<Vec<String>>,
    /// Of this kind; personal unless said otherwise.
    #[serde(default)]
    pub conversations: ConversationKind,
}

/// The conversations that can be listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationKind {
    /// Between one person and the agent.
    #[default]
    Personal,
    /// Chats of several people.
    GroupChat,
}

/// One person of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedUser {
    /// The channel to speak on; Teams unless said otherwise.
    #[serde(default = "crate::protocol::conversation::teams")]
    pub channel: ChannelId,
    /// The person's tenant.
    pub tenant: TenantId,
    /// The person's Entra object id, or `29:` id.
    pub id: EntraId,
    /// What the content's variables are for this one.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

impl ListedUser {
    /// The person alone.
    #[must_use]
    pub fn user(&self) -> User {
        User { channel: self.channel.clone(), tenant: self.tenant.clone(), id: self.id.clone() }
    }
}

impl ConversationKind {
    /// The kind of a conversation; `None` for those that are in no list.
    #[must_use]
    pub fn of(reference: &ConversationReference) -> Option<Self> {
        if reference.conversation.is_personal() {
            return Some(Self::Personal);
        }
        let kind = reference.conversation.conversation_type.as_deref();
        (kind == Some("groupChat")).then_some(Self::GroupChat)
    }
}

impl Audience {
    /// The audiences it consists of, in the order they are gone through.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        if let Self::Any { of, .. } = self { of } else { std::slice::from_ref(self) }
    }

    /// The values each recipient brings along, as far as they are listed; `None` stands for those who bring none.
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

    /// The teams it names, each once.
    #[must_use]
    pub fn teams(&self) -> Vec<&Team> {
        self.named(|part| if let Self::Team(team) = part { Some(team) } else { None })
    }

    /// The topics whose subscribers it names, each once.
    #[must_use]
    pub fn topics(&self) -> Vec<&Topic> {
        self.named(|part| if let Self::Topic { topic } = part { Some(topic) } else { None })
    }

    /// What its parts and exceptions name, each once.
    fn named<T: PartialEq>(&self, name: impl Fn(&Self) -> Option<&T>) -> Vec<&T> {
        let except = if let Self::Any { except, .. } = self { except.as_slice() } else { &[] };
        let mut named = Vec::new();
        for name in self.parts().iter().chain(except).filter_map(name) {
            if !named.contains(&name) {
                named.push(name);
            }
        }
        named
    }
}

#[cfg(test)]
mod tests;
