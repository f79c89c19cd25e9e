//! Who takes part: accounts of people and agents, and the conversation itself (docs/protocol.md §5.2).
//! It does not look anyone up; that is the connector's.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Extra;
use crate::protocol::ids::{AccountId, ConversationId, EntraId, TenantId};

/// A user or an agent as one channel knows it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelAccount {
    /// The account's id; `29:…` for users and `28:…` for agents on Teams, anything elsewhere.
    pub id: AccountId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The person's object id in Entra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aad_object_id: Option<EntraId>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ChannelAccount {
    /// The account with this id and nothing else known of it.
    #[must_use]
    pub fn new(id: AccountId) -> Self {
        Self { id, name: None, aad_object_id: None, extra: Extra::new() }
    }
}

/// A conversation as the channel describes it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationAccount {
    /// The conversation's id, with `;messageid=` for a thread in a Teams channel (docs/protocol.md §7.3).
    pub id: ConversationId,
    /// `personal`, `groupChat` or `channel` on Teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_type: Option<String>,
    /// Whether more than one person takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_group: Option<bool>,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ConversationAccount {
    /// The conversation with this id and nothing else known of it.
    #[must_use]
    pub fn new(id: ConversationId) -> Self {
        Self { id, conversation_type: None, is_group: None, tenant_id: None, extra: Extra::new() }
    }

    /// Whether it is between one person and the agent.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        match self.conversation_type.as_deref() {
            Some(kind) => kind == "personal",
            None => self.is_group != Some(true),
        }
    }
}

impl fmt::Debug for ChannelAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelAccount").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ConversationAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationAccount").field("id", &self.id).finish_non_exhaustive()
    }
}
