//! What a broadcast is: to whom, what, for which notification. It is written once and never changed.
//! How far the broadcast has come is not said here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{BroadcastId, Outcome};
use crate::agent::notification::Notification;
use crate::broadcast::audience::{Audience, InvalidAudience};
use crate::broadcast::content::{Content, InvalidContent};
use crate::jobs::JobId;

/// Longest key a caller may give, in bytes.
const MAX_KEY: usize = 256;

/// Largest record kept, below the table's 400 KB for an item.
const MAX_SPEC_BYTES: usize = 350_000;

/// What a broadcast is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The schedule that fired, or the caller's key.
    pub origin: String,
    /// What people are told of; the engine says it where there is no content.
    pub notification: Notification,
    /// What is done, and to whom.
    pub kind: Kind,
    /// What is said; `None`: what the engine says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// What is done, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Kind {
    /// Tell an audience.
    Announce {
        /// Whom.
        audience: Audience,
    },
    /// Delete what another broadcast delivered.
    Recall {
        /// Which.
        of: BroadcastId,
    },
    /// Put the content in place of what another broadcast delivered.
    Correct {
        /// Which.
        of: BroadcastId,
    },
    /// Tell those again of whom it is not known whether another broadcast reached them.
    Resend {
        /// Which.
        of: BroadcastId,
    },
}

impl Kind {
    /// The broadcast whose recipients these are, and which of them; `None` for those of an audience.
    #[must_use]
    pub fn source(&self) -> Option<(&BroadcastId, Outcome)> {
        match self {
            Self::Announce { .. } => None,
            Self::Recall { of } | Self::Correct { of } => Some((of, Outcome::Delivered)),
            Self::Resend { of } => Some((of, Outcome::Unknown)),
        }
    }
}

/// What is wrong with a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSpec {
    /// A member is wrong.
    #[error("`{member}` {problem}")]
    Member {
        /// Which.
        member: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Its audience is wrong.
    #[error(transparent)]
    Audience(#[from] InvalidAudience),
    /// Its content is wrong.
    #[error(transparent)]
    Content(#[from] InvalidContent),
}

impl Spec {
    /// The id of the broadcast that a caller gave the key `key`.
    ///
    /// # Errors
    ///
    /// [`InvalidSpec`], when it cannot be one.
    pub fn id_of(key: &str) -> Result<BroadcastId, InvalidSpec> {
        let wrong = |problem| InvalidSpec::Member { member: "key", problem };
        let is_like_an_id = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        match key {
            "" => Err(wrong("is empty: without it a second broadcast cannot be told from a repeated one")),
            long if long.len() > MAX_KEY => Err(wrong("is longer than 256 bytes")),
            odd if odd.chars().any(char::is_control) => Err(wrong("holds a control character")),
            _ if is_like_an_id => Err(wrong("looks like a broadcast's id: choose another")),
            key => Ok(BroadcastId::of_key(key)),
        }
    }

    /// Checks it before anybody is told: audience, content, variables, sizes.
    ///
    /// # Errors
    ///
    /// [`InvalidSpec`], naming the member that is wrong.
    pub fn check(&self) -> Result<(), InvalidSpec> {
        let wrong = |member, problem| Err(InvalidSpec::Member { member, problem });
        if self.notification.name.is_empty() {
            return wrong("notification", "is empty");
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
                    return wrong("content", "is missing: it value what takes the place of what was said");
                }
            },
            Kind::Recall { .. } | Kind::Resend { .. } => {}
        }
        match serde_json::to_string(self) {
            Ok(json) if json.len() <= MAX_SPEC_BYTES => Ok(()),
            _ => wrong("content", "and audience are too large together: make several broadcasts of it"),
        }
    }

    /// Whether both are the same broadcast, whenever they arrived.
    #[must_use]
    pub fn is_repeat_of(&self, other: &Self) -> bool {
        let notification =
            Notification { scheduled_time: other.notification.scheduled_time, ..self.notification.clone() };
        Self { notification, ..self.clone() } == *other
    }

    /// The delivery to one recipient, given as what it is found by.
    #[must_use]
    pub fn job(&self, recipient: &str) -> JobId {
        JobId::of_delivery(&self.origin, self.notification.scheduled_time, recipient)
    }

    /// The moment it is for.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.notification.scheduled_time
    }
}
