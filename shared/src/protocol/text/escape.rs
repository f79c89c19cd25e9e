//! Escapes text that others wrote, such as names, for the format it is placed into (docs/protocol.md §5.2, §5.7).

/// Characters with a meaning in Markdown, as the channel reads it anywhere in a line.
const MARKDOWN: &str = "\\`*~[]";

/// Returns `text` so that Markdown shows it as it is, also in the text of a message, where `<` would begin markup.
///
/// Line breaks become spaces: a name or a quotation does not begin a list or a heading. A character that only begins
/// one at the start of a line (`#`, `>`, `-`, `+`, a number) is escaped where `text` begins.
///
/// # Examples
///
/// ```
/// use herald::protocol::text::escape_markdown;
///
/// assert_eq!(escape_markdown("Dana *the* [boss](https://x)"), r"Dana \*the\* \[boss\](https://x)");
/// assert_eq!(escape_markdown("<at>all</at>"), "&lt;at>all&lt;/at>");
/// assert_eq!(escape_markdown("Dana Example"), "Dana Example");
/// ```
#[must_use]
pub fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let marker = block_marker(text);
    for (at, c) in text.char_indices() {
        let after = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' if is_entity(after) => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            c if marker == Some(at) || is_markdown(c, &escaped, after) => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns `text` so that a `TextBlock` of an Adaptive Card shows it as it is: Markdown without HTML, in which the
/// functions `{{DATE(…)}}` and `{{TIME(…)}}` are evaluated.
///
/// # Examples
///
/// ```
/// use herald::protocol::text::escape_card;
///
/// assert_eq!(escape_card("2 < 3 *now* {{DATE(2026-01-01)}}"), "2 < 3 \\*now\\* {\u{200b}{DATE(2026-01-01)}}");
/// ```
#[must_use]
pub fn escape_card(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let marker = block_marker(text);
    for (at, c) in text.char_indices() {
        let after = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '\n' | '\r' => escaped.push(' '),
            // It begins a mention, which a card resolves by its entities.
            '<' if is_at_tag(after) => escaped.push_str("&lt;"),
            '{' if after.starts_with('{') => escaped.push_str("{\u{200b}"),
            '&' if is_entity(after) => escaped.push_str("&amp;"),
            c if marker == Some(at) || is_markdown(c, &escaped, after) => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns `text` as the content of an element or an attribute of XML.
///
/// # Examples
///
/// ```
/// use herald::protocol::text::escape_xml;
///
/// assert_eq!(escape_xml("R&D <\"x\">"), "R&amp;D &lt;&quot;x&quot;&gt;");
/// ```
#[must_use]
pub fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Whether Markdown gives `c` a meaning between what is before and after it: `_` has none within a word, as in addresses.
fn is_markdown(c: char, before: &str, after: &str) -> bool {
    let is_within = before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric);
    MARKDOWN.contains(c) || (c == '_' && !is_within)
}

/// Whether the text after a `&` makes it an entity, which would be decoded.
fn is_entity(after: &str) -> bool {
    let name = after.split_once(';').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#')
}

/// Whether the text after a `<` makes it a tag of a mention.
fn is_at_tag(after: &str) -> bool {
    let name = after.strip_prefix('/').unwrap_or(after);
    let is_at = name.get(..2).is_some_and(|name| name.eq_ignore_ascii_case("at"));
    is_at && !name.get(2..).unwrap_or_default().starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Returns the index of the character that makes the beginning of `text` a heading, a quotation or a list.
fn block_marker(text: &str) -> Option<usize> {
    let start = text.len() - text.trim_start().len();
    let line = text.trim_start();
    if line.starts_with(['#', '>', '-', '+', '=', '|']) {
        return Some(start);
    }
    let digits = line.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
    line.get(digits..)?.starts_with(['.', ')']).then_some(start + digits)
}
