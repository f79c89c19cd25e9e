//! Attachments: cards and files of an activity (docs/protocol.md §5.6).
//! Does not fetch the URLs of attachments.

use std::fmt;

use serde_json::Value;

use super::Extra;
use super::lenient::lenient_members;

/// A card or a file.
#[derive(Clone, PartialEq)]
pub struct Attachment {
    /// The media type, e.g. `application/vnd.microsoft.card.adaptive`.
    pub content_type: Option<String>,
    /// The content of a card.
    pub content: Option<Value>,
    /// All other members.
    pub extra: Extra,
}

lenient_members! { Attachment { content_type = "contentType", content = "content", } }

impl Attachment {
    /// Returns an Adaptive Card from its JSON.
    #[must_use]
    pub fn adaptive_card(card: Value) -> Self {
        Self {
            content_type: Some("application/vnd.microsoft.card.adaptive".to_owned()),
            content: Some(card),
            extra: Extra::new(),
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}
