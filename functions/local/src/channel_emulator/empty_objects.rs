//! Optional objects without members, which the channel sends at times (docs/protocol.md §5.5) and which say nothing.

use serde_json::{Value, json};

/// An optional object without members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyObject {
    /// `channelData.tenant`.
    Tenant,
    /// `app`, `channel`, `team`, `settings` and `source` of `channelData`.
    ChannelData,
    /// An attachment.
    Attachment,
    /// An entity.
    Entity,
}

impl EmptyObject {
    /// Every object.
    pub const ALL: [Self; 4] = [Self::Tenant, Self::ChannelData, Self::Attachment, Self::Entity];

    /// Returns `activity` with the object.
    #[must_use]
    pub fn put_into(self, mut activity: Value) -> Value {
        match self {
            Self::Tenant => activity["channelData"] = json!({ "tenant": {} }),
            Self::ChannelData => {
                for name in ["app", "channel", "team", "settings", "source"] {
                    activity["channelData"][name] = json!({});
                }
            }
            Self::Attachment => activity["attachments"] = json!([{}]),
            Self::Entity => activity["entities"] = json!([{}]),
        }
        activity
    }
}
