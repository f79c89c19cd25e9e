//! What escaped text is shown as, read by a parser of Markdown.

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
