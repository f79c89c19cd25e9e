//! The immutable part of a broadcast: notification, audience and content.
//! Does not contain its progress.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{BroadcastId, Outcome};
use crate::agent::notification::Notification;
use crate::broadcast::audience::{Audience, InvalidAudience};
use crate::broadcast::content::{Content, InvalidContent};
use crate::jobs::JobId;

/// Maximum length of a key, in bytes.
const MAX_KEY: usize = 256;

/// Maximum size of a record, below the 400 KB limit of a DynamoDB item.
const MAX_SPEC_BYTES: usize = 350_000;

/// Immutable part of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// ARN of the schedule, or the key of the caller.
    pub origin: String,
    /// Notification, from which the engine makes the message if there is no content.
    pub notification: Notification,
    /// Kind of broadcast.
    pub kind: Kind,
    /// Content; `None` if the engine makes the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// Kind of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Kind {
    /// Send to an audience.
    Announce {
        /// Recipients.
        audience: Audience,
    },
    /// Delete the messages that another broadcast delivered.
    Recall {
        /// The other broadcast.
        of: BroadcastId,
    },
    /// Replace the messages that another broadcast delivered.
    Correct {
        /// The other broadcast.
        of: BroadcastId,
    },
    /// Repeat the deliveries of another broadcast whose outcome is unknown.
    Resend {
        /// The other broadcast.
        of: BroadcastId,
    },
}

impl Kind {
    /// Returns the broadcast that supplies the recipients, and the outcome that selects them; `None` for an audience.
    #[must_use]
    pub fn source(&self) -> Option<(&BroadcastId, Outcome)> {
        match self {
            Self::Announce { .. } => None,
            Self::Recall { of } | Self::Correct { of } => Some((of, Outcome::Delivered)),
            Self::Resend { of } => Some((of, Outcome::Unknown)),
        }
    }
}

/// Error of an invalid broadcast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSpec {
    /// A member is invalid.
    #[error("`{member}` {problem}")]
    Member {
        /// Name of the member.
        member: &'static str,
        /// Description of the problem.
        problem: &'static str,
    },
    /// The audience is invalid.
    #[error(transparent)]
    Audience(#[from] InvalidAudience),
    /// The content is invalid.
    #[error(transparent)]
    Content(#[from] InvalidContent),
}

impl Spec {
    /// Returns the id of the broadcast with the caller's `key`.
    ///
    /// # Errors
    ///
    /// [`InvalidSpec`], if the key is invalid.
    pub fn id_of(key: &str) -> Result<BroadcastId, InvalidSpec> {
        let invalid = |problem| InvalidSpec::Member { member: "key", problem };
        let is_like_an_id = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        match key {
            "" => Err(invalid("is empty: it distinguishes a new broadcast from a repeated request")),
            long if long.len() > MAX_KEY => Err(invalid("is longer than 256 bytes")),
            odd if odd.chars().any(char::is_control) => Err(invalid("contains a control character")),
            _ if is_like_an_id => Err(invalid("looks like the id of a broadcast: choose another")),
            key => Ok(BroadcastId::of_key(key)),
        }
    }

    /// Validates audience, content, variables and sizes.
    ///
    /// # Errors
    ///
    /// [`InvalidSpec`], with the invalid member.
    pub fn check(&self) -> Result<(), InvalidSpec> {
        let invalid = |member, problem| Err(InvalidSpec::Member { member, problem });
        if self.notification.name.is_empty() {
            return invalid("notification", "is empty");
        }
        match &self.kind {
            Kind::Announce { audience } => {
                audience.check()?;
                if let Some(content) = &self.content {
                    let nothing = Map::new();
                    let listed: Vec<_> =
                        audience.values().into_iter().map(|values| values.unwrap_or(&nothing)).collect();
                    content.check(&listed)?;
                }
            }
            Kind::Correct { .. } => match &self.content {
                Some(content) => content.check(&[])?,
                None => {
                    return invalid("content", "is missing: it replaces the delivered messages");
                }
            },
            Kind::Recall { .. } | Kind::Resend { .. } => {}
        }
        match serde_json::to_string(self) {
            Ok(json) if json.len() <= MAX_SPEC_BYTES => Ok(()),
            _ => invalid("content", "and audience are too large together: split it into several broadcasts"),
        }
    }

    /// Whether both are equal except for the scheduled time.
    #[must_use]
    pub fn is_repeat_of(&self, other: &Self) -> bool {
        let notification =
            Notification { scheduled_time: other.notification.scheduled_time, ..self.notification.clone() };
        Self { notification, ..self.clone() } == *other
    }

    /// Returns the job of the delivery to the recipient with the key `recipient`.
    #[must_use]
    pub fn job(&self, recipient: &str) -> JobId {
        JobId::of_delivery(&self.origin, self.notification.scheduled_time, recipient)
    }

    /// Returns the scheduled time.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.notification.scheduled_time
    }
}
