//! Accounts of users and agents, and of conversations (docs/protocol.md §5.2).
//! Does not look accounts up; the connector does.

use std::fmt;

use super::Extra;
use super::lenient::lenient_members;
use crate::protocol::ids::{AccountId, ConversationId, EntraId, TenantId};

/// The account of a user or an agent on a channel.
#[derive(Clone, PartialEq)]
pub struct ChannelAccount {
    /// The account's id; `29:…` for users and `28:…` for agents on Teams, anything elsewhere.
    pub id: AccountId,
    /// The display name.
    pub name: Option<String>,
    /// The user's object id in Entra.
    pub aad_object_id: Option<EntraId>,
    /// All other members.
    pub extra: Extra,
}

lenient_members! { ChannelAccount [id = "id"] {
    name = "name",
    aad_object_id = "aadObjectId",
} }

impl ChannelAccount {
    /// Returns an account with this id and no other members.
    #[must_use]
    pub fn new(id: AccountId) -> Self {
        Self { id, name: None, aad_object_id: None, extra: Extra::new() }
    }
}

/// A conversation on a channel.
#[derive(Clone, PartialEq)]
pub struct ConversationAccount {
    /// The conversation's id, with `;messageid=` for a thread in a Teams channel (docs/protocol.md §7.3).
    pub id: ConversationId,
    /// `personal`, `groupChat` or `channel` on Teams.
    pub conversation_type: Option<String>,
    /// Whether the conversation has more than one user.
    pub is_group: Option<bool>,
    /// The tenant of the conversation.
    pub tenant_id: Option<TenantId>,
    /// All other members.
    pub extra: Extra,
}

lenient_members! { ConversationAccount [id = "id"] {
    conversation_type = "conversationType",
    is_group = "isGroup",
    tenant_id = "tenantId",
} }

impl ConversationAccount {
    /// Returns a conversation with this id and no other members.
    #[must_use]
    pub fn new(id: ConversationId) -> Self {
        Self { id, conversation_type: None, is_group: None, tenant_id: None, extra: Extra::new() }
    }

    /// Whether the conversation is a thread in a channel of a team (docs/protocol.md §7.3).
    #[must_use]
    pub fn is_thread(&self) -> bool {
        self.id.as_str().contains(";messageid=")
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
