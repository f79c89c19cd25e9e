//! Escapes text that others wrote, such as names, for the format it is placed into (docs/protocol.md §5.2, §5.7).
//! Does not escape what is plain text: summaries, titles of buttons, data.

/// Returns `text` as one line of Markdown, the default format of a message, that is shown literally.
///
/// A marker is escaped only where it could be one: `snake_case`, `2 * 3` and `room #5` stay as they are. Runs of
/// whitespace and line breaks become one space; control characters, and those that change the direction of the text
/// after them, are removed. A bare URL stays readable, and a client may make it a link.
///
/// # Examples
///
/// ```
/// use herald::protocol::text::escape_markdown;
///
/// assert_eq!(escape_markdown("a **big** [chair](https://evil.example)"), r"a \*\*big\*\* \[chair\](https://evil.example)");
/// assert_eq!(escape_markdown("<at>Dana</at>"), "&lt;at>Dana&lt;/at>");
/// assert_eq!(escape_markdown("2 * 3 chairs for R&D (room #5)"), "2 * 3 chairs for R&D (room #5)");
/// ```
#[must_use]
pub fn escape_markdown(text: &str) -> String {
    escape(&single_line(text))
}

/// Returns `text` as one line for a text or a fact of an Adaptive Card, which is shown literally.
///
/// In addition to Markdown, the date and time functions of cards, for example `{{DATE(…)}}`, are escaped.
///
/// # Examples
///
/// ```
/// use herald::protocol::text::escape_card_text;
///
/// assert_eq!(escape_card_text("**now** {{TIME(2026-11-22T09:00:00Z)}}"), r"\*\*now\*\* {\{TIME(2026-11-22T09:00:00Z)}}");
/// ```
#[must_use]
pub fn escape_card_text(text: &str) -> String {
    escape(&single_line(text)).replace("{{DATE(", r"{\{DATE(").replace("{{TIME(", r"{\{TIME(")
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

/// Returns `text` on one line, without control characters and without those that change its direction.
fn single_line(text: &str) -> String {
    let is_shown = |char: &char| {
        !char.is_control() && !matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let words = text.split_whitespace().map(|token| token.chars().filter(is_shown).collect::<String>());
    words.filter(|token| !token.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Escapes one line.
fn escape(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 8);
    let mut before = None;
    for (at, char) in line.char_indices() {
        let rest = &line[at + char.len_utf8()..];
        match char {
            '<' if !rest.starts_with(' ') => escaped.push_str("&lt;"),
            '>' if before.is_none() => escaped.push_str("&gt;"),
            '&' if is_entity(rest) => escaped.push_str("&amp;"),
            char => {
                let is_marker = match char {
                    '\\' | '`' | '[' | ']' | '~' | '|' => true,
                    '*' => before != Some(' ') || !rest.starts_with(' '),
                    '_' => {
                        let after = rest.trim_start_matches('_').chars().next();
                        !(is_alphanumeric(before) && is_alphanumeric(after))
                    }
                    '#' | '+' | '-' | '=' => before.is_none() && !is_alphanumeric(rest.chars().next()),
                    ':' => before.is_none() && rest.starts_with('-'),
                    '.' | ')' => is_list_number(&line[..at]) && (rest.is_empty() || rest.starts_with(' ')),
                    _ => false,
                };
                if is_marker {
                    escaped.push('\\');
                }
                escaped.push(char);
            }
        }
        // A run of underscores is one delimiter.
        if char != '_' {
            before = Some(char);
        } else if before.is_none() {
            before = Some(' ');
        }
    }
    escaped
}

fn is_alphanumeric(char: Option<char>) -> bool {
    char.is_some_and(char::is_alphanumeric)
}

/// Whether the text before a point or a parenthesis makes it the marker of a numbered list.
fn is_list_number(before: &str) -> bool {
    !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text after an ampersand makes it the begin of an entity, for example `&lt;`.
fn is_entity(rest: &str) -> bool {
    let name = rest.split_once(';').map(|(name, _)| name.strip_prefix('#').unwrap_or(name));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests;
