//! Names of things as types, so that one cannot be passed for another.
//! It does not interpret them: tenant ids are not always UUIDs and account ids have many forms.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest id taken over from the wire, in bytes.
pub const MAX_ID_BYTES: usize = 1024;

/// Why a string cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The string is empty.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// The string is longer than [`MAX_ID_BYTES`].
    #[error("{0} is longer than {MAX_ID_BYTES} bytes")]
    TooLong(&'static str),
    /// The string would leave its path segment.
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
            /// Takes the id over as it is.
            ///
            /// # Errors
            ///
            /// When it is empty, over [`MAX_ID_BYTES`] bytes, or only dots.
            pub fn new(id: impl Into<String>) -> Result<Self, InvalidId> {
                let id = id.into();
                match id.as_str() {
                    "" => Err(InvalidId::Empty(stringify!($name))),
                    "." | ".." => Err(InvalidId::Dots(stringify!($name))),
                    long if long.len() > MAX_ID_BYTES => Err(InvalidId::TooLong(stringify!($name))),
                    _ => Ok(Self(id)),
                }
            }

            /// The id as the channel wrote it.
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

        // Ids name people and conversations: `{:?}` must be safe to log.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), $crate::hash::short(&self.0))
            }
        }
    )+};
}

string_ids! {
    /// Names one activity within a conversation.
    ActivityId,
    /// Names one conversation within a channel.
    ConversationId,
    /// Names a channel account: a user (`29:…`) or an agent (`28:…`).
    AccountId,
    /// Names a person in a Microsoft Entra tenant: the object id.
    EntraId,
    /// Names a Microsoft Entra tenant.
    TenantId,
    /// Names a channel: `msteams`, `webchat`, `directline`, …
    ChannelId,
    /// Names the agent's app registration.
    ClientId,
}

impl TenantId {
    /// Whether both name one tenant: they are GUIDs, spelled in either case.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl ClientId {
    /// Whether both name one registration: they are GUIDs, spelled in either case.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_no_uuids_are_taken_as_they_are() {
        let odd = "00000000-0000-0000-0000-0000000000001";

        let tenant = TenantId::new(odd).unwrap();

        assert_eq!(tenant.as_str(), odd);
        assert_eq!(odd.len(), 37);
    }

    #[test]
    fn ids_that_would_leave_their_place_are_refused() {
        assert_eq!(ConversationId::new(""), Err(InvalidId::Empty("ConversationId")));
        assert_eq!(ConversationId::new(".."), Err(InvalidId::Dots("ConversationId")));
        assert_eq!(ActivityId::new("x".repeat(1025)), Err(InvalidId::TooLong("ActivityId")));
        assert!(serde_json::from_str::<ActivityId>("\"\"").is_err());
    }

    #[test]
    fn debug_output_does_not_show_the_id() {
        let id = AccountId::new("29:someone").unwrap();

        assert!(!format!("{id:?}").contains("someone"));
    }
}
