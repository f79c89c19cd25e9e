//! Entities: metadata of an activity, such as mentions (docs/protocol.md §5.7).
//! Preserves all entities; reads only mentions.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::lenient::lenient_members;
use super::{ChannelAccount, Extra};

/// One entity of an activity.
#[derive(Clone, PartialEq)]
pub struct Entity {
    /// The type: `mention`, `clientInfo`, `ProductInfo`, `streaminfo`, …; empty where there is none.
    pub kind: String,
    /// All other members.
    pub extra: Extra,
}

/// The members of an entity of type `mention`.
#[derive(Clone, PartialEq)]
pub struct Mention {
    /// The mention in the text, e.g. `<at>Herald</at>`.
    pub text: Option<String>,
    /// The mentioned account.
    pub mentioned: ChannelAccount,
}

lenient_members! { Entity { kind = "type", } }

impl Entity {
    /// Returns the entity as a mention, if it is a valid one.
    #[must_use]
    pub fn as_mention(&self) -> Option<Mention> {
        if !self.kind.eq_ignore_ascii_case("mention") {
            return None;
        }
        Some(Mention {
            text: self.extra.get("text").and_then(Value::as_str).map(str::to_owned),
            mentioned: ChannelAccount::deserialize(self.extra.get("mentioned")?).ok()?,
        })
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity").field("kind", &self.kind).finish_non_exhaustive()
    }
}
