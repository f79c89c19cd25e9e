//! Surfaces: where answers can be streamed, how fast, and what can be done once a stream is over (docs/protocol.md §5.4, §6.2).
//! Where none is, an answer is a message; that is for whoever asks to do.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::agent::turn::Turn;

/// Where streams are shown, which differ in pace and in what can be done once one is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// A personal chat in Teams.
    Teams,
    /// Microsoft 365 Copilot, which shows no edits.
    Copilot,
    /// Web Chat and Direct Line.
    WebChat,
}

impl Surface {
    /// Where `turn` came from, if answers can be streamed there: to one person, and on the channels that know how.
    #[must_use]
    pub fn of(turn: &Turn) -> Option<Self> {
        let (channel, sub_channel) = match turn.reference.channel_id.as_str().split_once(':') {
            Some((channel, sub_channel)) => (channel, Some(sub_channel)),
            None => (turn.reference.channel_id.as_str(), None),
        };
        let is_copilot = sub_channel.is_some_and(|name| name.eq_ignore_ascii_case("copilot"))
            || turn.activity.entities.iter().any(|entity| {
                let id = entity.extra.get("id").and_then(|id| id.as_str()).unwrap_or_default();
                entity.kind == "ProductInfo" && id.eq_ignore_ascii_case("copilot")
            });
        match channel {
            "msteams" if !turn.reference.conversation.is_personal() => None,
            "msteams" if is_copilot => Some(Self::Copilot),
            "msteams" => Some(Self::Teams),
            "webchat" | "directline" => Some(Self::WebChat),
            _ => None,
        }
    }

    /// The least time between two chunks: the channel takes one request a second (docs/protocol.md §6.2, §6.3).
    #[must_use]
    pub fn gap(self) -> SignedDuration {
        match self {
            Self::Teams | Self::Copilot => SignedDuration::from_millis(1_500),
            Self::WebChat => SignedDuration::from_millis(500),
        }
    }

    /// Whether it ends a stream that is silent for 45 s (docs/protocol.md §6.2).
    pub(super) fn gives_up_silence(self) -> bool {
        match self {
            Self::Copilot => true,
            Self::Teams | Self::WebChat => false,
        }
    }

    /// Whether what was streamed can be replaced once the stream is over.
    #[must_use]
    pub fn has_edits(self) -> bool {
        match self {
            Self::Teams => true,
            Self::Copilot | Self::WebChat => false,
        }
    }
}
