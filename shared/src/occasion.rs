//! Occasions: what a schedule or the system fires, and who is to hear of it (design: speaking first).
//! What is said is the engine's; who that is in fact, the planner's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::conversation::{ConversationReference, User};
use crate::ids::TenantId;

/// Something people are told of: its name is the engine's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    /// The engine's name for it, e.g. `morning-digest`.
    pub name: String,
    /// The moment it is for, which is not the moment it is sent.
    pub scheduled_time: Timestamp,
    /// Whether somebody may rather miss it than be told twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most_once: bool,
}

/// Who is to hear of an occasion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Audience {
    /// Every person who has a personal conversation with the agent.
    // A unit variant would let other members pass, and a misspelt filter would tell everyone.
    Everyone {},
    /// One person by Entra id, with or without a conversation.
    User(User),
    /// One conversation by its reference's key, as `inbound` logs it.
    Conversation {
        /// 64 hexadecimal digits.
        reference: crate::conversation::ReferenceKey,
    },
}

/// One who is to hear of an occasion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "recipients with a reference are the rule")]
pub enum Recipient {
    /// Through a conversation that exists.
    Conversation {
        /// The conversation.
        reference: ConversationReference,
    },
    /// A person no conversation is known with: it is created first.
    User(User),
}

impl Recipient {
    /// The tenant that is spoken to, where there is one.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Conversation { reference } => reference.tenant_id.as_ref(),
            Self::User(user) => Some(&user.tenant),
        }
    }

    /// How many requests to the channel it takes to tell them something: a conversation may have to be created.
    #[must_use]
    pub fn requests(&self) -> usize {
        match self {
            Self::Conversation { .. } => 1,
            Self::User(_) => 2,
        }
    }

    /// The person's language, where it is known.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.locale.as_deref(),
            Self::User(_) => None,
        }
    }
}
