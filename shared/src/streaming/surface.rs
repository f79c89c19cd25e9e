//! Surfaces that show streams, with their rate and capabilities (docs/protocol.md §5.4, §6.2).
//! Elsewhere a response is a plain message, which the caller sends.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::agent::turn::Turn;

/// A client that shows streams; surfaces differ in rate and in support for edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// A personal chat in Teams.
    Teams,
    /// Microsoft 365 Copilot, which does not support edits.
    Copilot,
    /// Web Chat and Direct Line.
    WebChat,
}

impl Surface {
    /// Returns the surface of `turn`; `None` in group conversations and on channels without streams.
    #[must_use]
    pub fn of(turn: &Turn) -> Option<Self> {
        let is_copilot = turn.reference.is_copilot || turn.activity.is_copilot();
        match turn.reference.channel_id.base().as_str() {
            "msteams" if !turn.reference.is_personal() => None,
            "msteams" if is_copilot => Some(Self::Copilot),
            "msteams" => Some(Self::Teams),
            "webchat" | "directline" => Some(Self::WebChat),
            _ => None,
        }
    }

    /// Returns the minimum time between two chunks: Teams accepts one request per second (docs/protocol.md §6.2, §6.3).
    #[must_use]
    pub fn min_interval(self) -> SignedDuration {
        match self {
            Self::Teams | Self::Copilot => SignedDuration::from_millis(1_500),
            Self::WebChat => SignedDuration::from_millis(500),
        }
    }

    /// Whether the surface ends a stream that is silent for 45 s (docs/protocol.md §6.2).
    pub(super) fn ends_silent_streams(self) -> bool {
        match self {
            Self::Copilot => true,
            Self::Teams | Self::WebChat => false,
        }
    }

    /// Whether a streamed message can be edited after the stream has ended.
    #[must_use]
    pub fn supports_edits(self) -> bool {
        match self {
            Self::Teams => true,
            Self::Copilot | Self::WebChat => false,
        }
    }
}
