//! Text that others wrote, as part of a message or of a card: escaped for the format of each (docs/protocol.md §5.2).
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
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// Returns the text that Markdown is shown as; `None` if it has any structure other than lists and paragraphs.
    fn shown(markdown: &str) -> Option<String> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        let mut shown = String::new();
        for event in Parser::new_ext(markdown, options) {
            if let Event::Text(text) = &event {
                shown.push_str(text);
            } else if event == Event::SoftBreak {
                shown.push('\n');
            } else if !matches!(
                event,
                Event::Start(Tag::Paragraph | Tag::List(None) | Tag::Item)
                    | Event::End(TagEnd::Paragraph | TagEnd::List(false) | TagEnd::Item)
            ) {
                return None;
            }
        }
        Some(shown)
    }

    fn assert_literal(text: &str) {
        let literal = single_line(text);
        for escaped in [escape_markdown(text), escape_card_text(text)] {
            for (before, after) in [("", ""), ("Your item: ", "."), ("First\n", ""), ("", "\n\nLast")] {
                let markdown = format!("{before}{escaped}{after}");
                let expected = format!("{before}{literal}{}", after.trim_start());
                assert_eq!(shown(&markdown), Some(expected.trim().to_owned()), "{markdown:?}");
            }
            let item = format!("Yours:\n\n- {escaped}");
            assert_eq!(shown(&item), Some(format!("Yours:{literal}")), "{item:?}");
            assert!(!escaped.contains("<at>"), "{escaped:?}");
        }
        let card = escape_card_text(text);
        assert!(!card.contains("{{DATE(") && !card.contains("{{TIME("), "{card:?}");
    }

    #[test]
    fn markup_is_shown_literally() {
        for text in [
            "order **bold** [x](http://evil)",
            "![x](http://evil/a.png)",
            "<at>Dana</at>",
            "<script>alert(1)</script>",
            "<https://evil.example>",
            "<5@evil.example>",
            "&lt;b&gt; &#60;",
            "# title",
            "#",
            "- item",
            "+ item",
            "* item",
            "1. item",
            "12) item",
            "> quote",
            "---",
            "===",
            "***",
            "___",
            "- - -",
            "``` code",
            "    indented",
            "~~gone~~",
            "a | b\n--|--\nc | d",
            ":-:",
            "_a_ __b__ c__d__",
            "\\*not\\*",
            "first\n\nsecond",
            "first  \nsecond\\",
            "[a]: http://evil",
            "{{DATE(2026-11-22T09:00:00Z,SHORT)}}",
            "{{{{TIME(2026-11-22T09:00:00Z)}}",
            "\u{202e}gnp.exe",
            "\u{0}\u{1b}[31m",
        ] {
            assert_literal(text);
        }
    }

    #[test]
    fn plain_text_stays_readable() {
        for text in [
            "a laptop",
            "2 * 3 chairs",
            "snake_case and a__b",
            "R&D, AT&T and Q&A",
            "room #5 (2nd floor)",
            "#general",
            ":) {{name}}",
            "-5 degrees, 3.5 kg",
            "Dana O'Neil-Smith, \"the boss\"!",
            "3 < 4 > 2",
            "https://example.com/a?b=c&d=e#f",
            "Ærø – Zürich: 50%",
        ] {
            assert_eq!(escape_markdown(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_shown_literally(text in "(\\PC|[\\*_~`#\\[\\]()<>&|!+=:;{}.\\\\ \n-]|a|1|at|amp;|http://x|\\{\\{DATE\\(){0,24}") {
            assert_literal(&text);
        }
    }
}
