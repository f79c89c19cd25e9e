//! Text of activities: reads what a person wrote, and escapes user text that is sent (docs/protocol.md §5.6, §5.7).
//!
//! Knows no account: the caller decides whom a mention means.

mod entities;
mod escape;
mod guard;
mod html;
mod mention;
mod plain;
mod tag;

pub use self::escape::{escape_card_text, escape_markdown, escape_xml};
pub use self::guard::{invoke_without_stray_mentions, streamable, without_stray_mentions};
use super::activity::Activity;

/// Text that was read, in order, and whom it quotes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Text and mentions, in order.
    pub pieces: Vec<Piece>,
    /// The accounts whose messages are quoted, as far as the quotes name them.
    pub quoted: Vec<String>,
}

/// A piece of what was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text without markup.
    Text(String),
    /// A mention of an account.
    Mention {
        /// The mention as spelled, e.g. `<at>Dana</at>`.
        tag: String,
        /// The name that it shows.
        name: String,
        /// The position of its account among those that are mentioned, where the tag names it.
        index: Option<usize>,
    },
}

impl Written {
    /// Reads the text of `activity`, or its HTML where it has no text.
    ///
    /// Entities such as `&amp;` are decoded, and tags are read, only where the format is markup: `textFormat` `xml`, and
    /// attachments of type `text/html`. In other text only mentions and quotes are markup; `a < b` is text.
    #[must_use]
    pub fn of(activity: &Activity) -> Self {
        let text = activity.text.as_deref().unwrap_or_default();
        let format = activity.extra.get("textFormat").and_then(|format| format.as_str()).unwrap_or_default();
        let mut written = match format.eq_ignore_ascii_case("xml") {
            true => html::read(text),
            false => plain::read(text),
        };
        let is_blank = text.trim().is_empty();
        for html in activity.attachments.iter().filter_map(html_of) {
            // The HTML repeats the text, and has the quotes that the text leaves out.
            let Self { pieces, quoted } = html::read(html);
            written.quoted.extend(quoted);
            if is_blank {
                let needs_line = !written.pieces.is_empty() && !pieces.is_empty();
                written.pieces.extend(needs_line.then(|| Piece::Text("\n".to_owned())));
                written.pieces.extend(pieces);
            }
        }
        written
    }

    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            Some(Piece::Mention { .. }) | None => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }
}

/// Returns the HTML of an attachment, if it is the message as HTML.
fn html_of(attachment: &super::activity::Attachment) -> Option<&str> {
    let kind = attachment.content_type.as_deref()?.split(';').next().unwrap_or_default();
    let is_html = kind.trim().eq_ignore_ascii_case("text/html");
    attachment.content.as_ref().filter(|_| is_html)?.as_str()
}

#[cfg(test)]
mod tests;
