//! Reads HTML as text, as the clients of Teams write it. Total: whatever is not well-formed is text or is left out, and no
//! tag is part of the text.

use std::ops::Range;

use super::tag::Tag;
use super::{Piece, Written, entities};

/// Elements whose content is not shown.
const HIDDEN: [&str; 7] = ["script", "style", "head", "title", "template", "noscript", "iframe"];

/// Elements that begin and end a line.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "pre",
    "blockquote",
    "hr",
    "section",
    "article",
    "header",
    "footer",
    "codeblock",
    "dl",
];

/// Reads `html`: lines for blocks and breaks, the alternative text of emoji, and mentions. Quoted messages are left out.
pub(super) fn read(html: &str) -> Written {
    let mut reader = Reader::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        reader.text(before);
        rest = reader.markup(from);
    }
    reader.text(rest);
    reader.written
}

/// State of a document that is being read.
#[derive(Default)]
struct Reader {
    written: Written,
    /// Whether a line or a space is due before the next text.
    gap: Gap,
    /// Number of open elements in which white space is kept.
    preformatted: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
}

impl Reader {
    /// Reads text between tags.
    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            self.push(&entities::decode(text));
            return;
        }
        let is_space = |c: char| c.is_ascii_whitespace();
        if text.starts_with(is_space) {
            self.gap = self.gap.max(Gap::Space);
        }
        for part in text.split(is_space).filter(|part| !part.is_empty()) {
            self.push(&entities::decode(part));
            self.gap = Gap::Space;
        }
        if !text.ends_with(is_space) && !text.is_empty() {
            self.gap = Gap::None;
        }
    }

    /// Reads the markup that `text` begins with, and returns what follows it.
    fn markup<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(comment) = text.strip_prefix("<!--") {
            return comment.split_once("-->").map_or("", |(_, after)| after);
        }
        if text.starts_with("<!") || text.starts_with("<?") {
            return text.split_once('>').map_or("", |(_, after)| after);
        }
        let Some(tag) = Tag::at(text) else {
            self.push("<");
            return text.get(1..).unwrap_or_default();
        };
        let after = |len: usize| text.get(len..).unwrap_or_default();
        if tag.is_end {
            self.end(&tag);
            return after(tag.len);
        }
        if tag.is_one_of(&HIDDEN) {
            return after(element_len(text, &tag));
        }
        if tag.is("blockquote") && tag.is_item("Reply") {
            let quote = element_len(text, &tag);
            self.written.quoted.extend(quoted_account(text.get(..quote).unwrap_or_default()));
            self.gap = Gap::Line;
            return after(quote);
        }
        let is_mention = tag.is("at") || (tag.is_one_of(&["span", "readonly"]) && tag.is_item("Mention"));
        if is_mention && let Some(end) = end_of_element(text, &tag) {
            self.mention(&tag, text.get(tag.len..end.start), text.get(..end.end));
            return after(end.end);
        }
        self.start(&tag);
        after(tag.len)
    }

    fn start(&mut self, tag: &Tag<'_>) {
        if tag.is("br") {
            self.push("\n");
        } else if tag.is_one_of(&["td", "th"]) {
            self.gap = self.gap.max(Gap::Space);
        } else if tag.is_one_of(&BLOCKS) {
            self.gap = Gap::Line;
        } else if tag.is_one_of(&["img", "emoji"]) {
            // A picture that was pasted is called so by the client, not by the person.
            let alt = tag.attribute("alt").filter(|alt| !alt.eq_ignore_ascii_case("image"));
            self.push(&alt.unwrap_or_default());
        }
        if tag.is_one_of(&["pre", "codeblock"]) {
            self.preformatted += 1;
        }
    }

    fn end(&mut self, tag: &Tag<'_>) {
        if tag.is_one_of(&["pre", "codeblock"]) {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
        if tag.is_one_of(&BLOCKS) {
            self.gap = Gap::Line;
        }
    }

    fn mention(&mut self, tag: &Tag<'_>, inner: Option<&str>, element: Option<&str>) {
        let name: String = read(inner.unwrap_or_default()).pieces.iter().map(Piece::shown).collect();
        let index = tag.attribute("id").or_else(|| tag.attribute("itemid")).and_then(|id| id.parse().ok());
        self.fill_gap();
        let tag = element.unwrap_or_default().to_owned();
        self.written.pieces.push(Piece::Mention { tag, name, index });
    }

    fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        // A break is a line of its own; a block after it begins no second one.
        if text == "\n" && self.gap == Gap::Space {
            self.gap = Gap::None;
        }
        self.fill_gap();
        self.written.push_text(text);
    }

    /// Writes the line or the space that is due, except at the beginning and after a line.
    fn fill_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        let is_at_line = match self.written.pieces.last() {
            None => true,
            Some(Piece::Text(text)) => text.ends_with('\n'),
            Some(Piece::Mention { .. }) => false,
        };
        match gap {
            Gap::None => {}
            Gap::Space | Gap::Line if is_at_line => {}
            Gap::Space => self.written.push_text(" "),
            Gap::Line => self.written.push_text("\n"),
        }
    }
}

impl Piece {
    /// Returns the text that the piece shows.
    fn shown(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Mention { name, .. } => name,
        }
    }
}

/// Returns where the first end tag `</name>` is in `text`.
pub(super) fn end_tag(text: &str, name: &str) -> Option<Range<usize>> {
    text.match_indices("</").find_map(|(at, _)| {
        let tag = Tag::at(text.get(at..)?)?;
        tag.is(name).then(|| at..at + tag.len)
    })
}

/// Returns the length of the element that `text` begins with; all of `text` where it has no end.
pub(super) fn element_len(text: &str, start: &Tag<'_>) -> usize {
    match start.is_empty {
        true => start.len,
        false => end_of_element(text, start).map_or(text.len(), |end| end.end),
    }
}

/// Returns where the end tag of the element is that `text` begins with.
fn end_of_element(text: &str, start: &Tag<'_>) -> Option<Range<usize>> {
    // What looks like another tag is text in a script.
    let is_raw = start.is_one_of(&HIDDEN);
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('<')) {
        at += next;
        match text.get(at..).and_then(Tag::at) {
            Some(tag) if tag.is_same(start) => {
                if tag.is_end {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        return Some(at..at + tag.len);
                    }
                } else {
                    open += usize::from(!tag.is_empty);
                }
                at += tag.len;
            }
            Some(tag) if !is_raw => at += tag.len,
            Some(_) | None => at += 1,
        }
    }
    None
}

/// Returns the account of the quoted message: Teams writes it as `<strong itemprop="mri" itemid="28:…">`.
fn quoted_account(quote: &str) -> Option<String> {
    quote.match_indices('<').find_map(|(at, _)| {
        let tag = Tag::at(quote.get(at..)?).filter(|tag| !tag.is_end)?;
        tag.attribute("itemprop").filter(|property| property.eq_ignore_ascii_case("mri"))?;
        tag.attribute("itemid").filter(|id| !id.is_empty())
    })
}
