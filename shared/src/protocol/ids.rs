//! Typed ids, so that one kind cannot be passed for another.
//! Does not interpret them: tenant ids are not always UUIDs, and account ids have many forms.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum length of an id, in bytes.
pub const MAX_ID_BYTES: usize = 1024;

/// Why a string is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The string is empty.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// The string is longer than [`MAX_ID_BYTES`].
    #[error("{0} is longer than {MAX_ID_BYTES} bytes")]
    TooLong(&'static str),
    /// The string is `.` or `..`, which would change the path of a URL.
    #[error("{0} must not be `.` or `..`")]
    Dots(&'static str),
}

macro_rules! string_ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns `id` unchanged as a typed id.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] when it is empty, longer than [`MAX_ID_BYTES`], `.` or `..`.
            pub fn new(id: impl Into<String>) -> Result<Self, InvalidId> {
                let id = id.into();
                match id.as_str() {
                    "" => Err(InvalidId::Empty(stringify!($name))),
                    "." | ".." => Err(InvalidId::Dots(stringify!($name))),
                    long if long.len() > MAX_ID_BYTES => Err(InvalidId::TooLong(stringify!($name))),
                    _ => Ok(Self(id)),
                }
            }

            /// Returns the id as the channel wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(id: String) -> Result<Self, InvalidId> {
                Self::new(id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        // Ids identify users and conversations: `{:?}` must be safe to log.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), $crate::hash::short(&self.0))
            }
        }
    )+};
}

string_ids! {
    /// Identifies an activity within a conversation.
    ActivityId,
    /// Identifies a conversation within a channel.
    ConversationId,
    /// Identifies a channel account: a user (`29:…`) or an agent (`28:…`).
    AccountId,
    /// Identifies a user by the object id in a Microsoft Entra tenant.
    EntraId,
    /// Identifies a Microsoft Entra tenant.
    TenantId,
    /// Identifies a channel: `msteams`, `webchat`, `directline`, …
    ChannelId,
    /// Identifies the agent's app registration.
    ClientId,
}

impl TenantId {
    /// Whether both are one tenant; GUIDs are compared ignoring case.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// The channel of Teams, which Copilot shares.
const TEAMS: &str = "msteams";

impl ChannelId {
    /// Returns the channel without its sub-channel: `msteams` for `msteams:COPILOT`. The channel of a compound id is
    /// compared ignoring case, as Microsoft's SDKs do.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::ids::ChannelId;
    ///
    /// assert_eq!(ChannelId::new("msteams:COPILOT")?.base().as_str(), "msteams");
    /// assert_eq!(ChannelId::new("webchat")?.base().as_str(), "webchat");
    /// # Ok::<(), herald::protocol::ids::InvalidId>(())
    /// ```
    #[must_use]
    pub fn base(&self) -> Self {
        self.parts().map_or_else(|| self.clone(), |(base, _)| Self(base.to_ascii_lowercase()))
    }

    /// Returns the sub-channel of a compound id: `COPILOT` of `msteams:COPILOT`.
    #[must_use]
    pub fn sub_channel(&self) -> Option<&str> {
        self.parts().map(|(_, sub_channel)| sub_channel)
    }

    /// Whether it is the channel of Teams, with or without a sub-channel.
    #[must_use]
    pub fn is_teams(&self) -> bool {
        match self.parts() {
            Some((base, _)) => base.eq_ignore_ascii_case(TEAMS),
            None => self.0 == TEAMS,
        }
    }

    /// Returns channel and sub-channel of a compound id.
    fn parts(&self) -> Option<(&str, &str)> {
        let (base, sub_channel) = self.0.split_once(':')?;
        let is_compound = !base.is_empty() && !sub_channel.is_empty();
        is_compound.then_some((base, sub_channel))
    }
}

impl ClientId {
    /// Whether both are one registration; GUIDs are compared ignoring case.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_other_than_uuids_are_accepted_unchanged() {
        let odd = "00000000-0000-0000-0000-0000000000001";

        let tenant = TenantId::new(odd).unwrap();

        assert_eq!(tenant.as_str(), odd);
        assert_eq!(odd.len(), 37);
    }

    #[test]
    fn empty_dotted_and_too_long_ids_are_rejected() {
        assert_eq!(ConversationId::new(""), Err(InvalidId::Empty("ConversationId")));
        assert_eq!(ConversationId::new(".."), Err(InvalidId::Dots("ConversationId")));
        assert_eq!(ActivityId::new("x".repeat(1025)), Err(InvalidId::TooLong("ActivityId")));
        assert!(serde_json::from_str::<ActivityId>("\"\"").is_err());
    }

    #[test]
    fn debug_output_hides_the_id() {
        let id = AccountId::new("29:someone").unwrap();

        assert!(!format!("{id:?}").contains("someone"));
    }
}
