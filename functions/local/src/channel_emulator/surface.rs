//! Where a person writes to the agent: Teams, Microsoft 365 Copilot or Web Chat (docs/protocol.md §5.4).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entities::add_entity;

/// The app in which a person has their personal conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Surface {
    /// Teams.
    #[default]
    Teams,
    /// Microsoft 365 Copilot, which marks activities of Teams.
    Copilot,
    /// Web Chat, a channel of its own.
    WebChat,
}

impl Surface {
    /// Marks an activity of a personal conversation as one of this surface.
    pub(super) fn mark(self, activity: &mut Value) {
        match self {
            Self::Teams => {}
            Self::Copilot => add_entity(activity, json!({ "type": "ProductInfo", "id": "COPILOT" })),
            Self::WebChat => activity["channelId"] = json!("webchat"),
        }
    }
}
