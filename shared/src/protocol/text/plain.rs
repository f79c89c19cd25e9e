//! Reads text that is not markup: only mentions and quotes of messages are tags, everything else is text.

use super::tag::Tag;
use super::{Piece, Written, entities, html};

/// Reads `text`. Total: a tag without an end, or of another name, is text.
pub(super) fn read(text: &str) -> Written {
    let mut written = Written::default();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        written.push_text(before);
        rest = match marker_at(from, &mut written) {
            Some(after) => after,
            None => {
                written.push_text("<");
                from.get(1..).unwrap_or_default()
            }
        };
    }
    written.push_text(rest);
    written
}

/// Reads the mention or the quote that `text` begins with, and returns what follows it.
fn marker_at<'a>(text: &'a str, written: &mut Written) -> Option<&'a str> {
    let tag = Tag::at(text).filter(|tag| !tag.is_end)?;
    let after = text.get(tag.len..)?;
    if tag.is("at") {
        let end = html::end_tag(after, "at")?;
        let name = entities::decode(after.get(..end.start)?).trim().to_owned();
        let len = tag.len + end.end;
        // Some clients write the space beside a mention as an entity, though the text is plain.
        if let Some(Piece::Text(before)) = written.pieces.last_mut()
            && let Some(trimmed) = before.strip_suffix("&nbsp;")
        {
            *before = format!("{trimmed} ");
        }
        let index = tag.attribute("id").and_then(|id| id.parse().ok());
        written.pieces.push(Piece::Mention { tag: text.get(..len)?.to_owned(), name, index });
        let following = text.get(len..)?;
        return Some(match following.strip_prefix("&nbsp;") {
            Some(following) => {
                written.push_text(" ");
                following
            }
            None => following,
        });
    }
    if tag.is("quoted") && tag.attribute("messageId").is_some() {
        let end = html::end_tag(after, "quoted").filter(|end| end.start == 0 && !tag.is_empty);
        return after.get(end.map_or(0, |end| end.end)..);
    }
    if tag.is("blockquote") && tag.is_item("Reply") {
        let len = html::element_len(text, &tag);
        written.quoted.extend(html::read(text.get(..len)?).quoted);
        return text.get(len..);
    }
    None
}
