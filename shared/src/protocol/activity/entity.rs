//! Entities: marks on an activity, of which mentions are read (docs/protocol.md §5.7).
//! Other entities are kept as they came.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ChannelAccount, Extra};

/// One entity.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// What it is: `mention`, `clientInfo`, `ProductInfo`, `streaminfo`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An entity of type `mention`, read.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Mention {
    /// The text that mentions, e.g. `<at>Herald</at>`.
    pub text: Option<String>,
    /// Who is mentioned.
    pub mentioned: ChannelAccount,
}

impl Entity {
    /// This entity as a mention, if it is one.
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
