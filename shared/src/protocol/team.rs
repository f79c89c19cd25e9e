//! Teams and their channels, identified by tenant and id.

mod lifecycle;

use serde::{Deserialize, Serialize};

pub use self::lifecycle::{Closed, TeamChange, channel_of, team_change};
use super::ids::{ConversationId, TenantId};

/// A channel of a team in which the agent is installed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamChannel {
    /// The team's tenant.
    pub tenant: TenantId,
    /// The channel's id, `19:…@thread.tacv2`.
    pub id: ConversationId,
}

/// A team in which the agent is installed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// The team's tenant.
    pub tenant: TenantId,
    /// The team's id, `19:…@thread.tacv2`, which is the id of its General channel.
    pub id: ConversationId,
}
