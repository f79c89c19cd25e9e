//! Entities: metadata of an activity, such as mentions (docs/protocol.md §5.7).
//! Preserves all entities; reads only mentions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ChannelAccount, Extra};

/// One entity of an activity.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// The type: `mention`, `clientInfo`, `ProductInfo`, `streaminfo`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// All other members.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The members of an entity of type `mention`.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Mention {
    /// The mention in the text, e.g. `<at>Herald</at>`.
    pub text: Option<String>,
    /// The mentioned account.
    pub mentioned: ChannelAccount,
}

impl Entity {
    /// Returns the entity as a mention, if it is a valid one.
    #[must_use]
    pub fn as_mention(&self) -> Option<Mention> {
        if self.kind != "mention" {
            return None;
        }
        serde_json::from_value(self.extra.clone().into()).ok()
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity").field("kind", &self.kind).finish_non_exhaustive()
    }
}
