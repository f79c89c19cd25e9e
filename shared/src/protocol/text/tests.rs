//! Reading of markup, escaping, and mentions that leave.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::activity::{Activity, Attachment};

fn text_of(html: &str) -> String {
    let shown = html::read(html).pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) | Piece::Mention { name: text, .. } => text,
    });
    shown.collect()
}

/// Markup without entities and without a `<` of its own, so that no tag is part of what the person wrote.
const MARKUP: &str = "([a-z >/=\"'!\\-\né]|<p>|</p>|<b title=\"x>\">|<br/>|<at>|</at>|<script>|</script>|<!--|-->|<pre>|<blockquote itemtype=\"http://schema.skype.com/Reply\">|<img alt=\"x\">){0,40}";

/// Whether a text has a tag: `<`, a letter, and a `>` after it.
fn has_tag(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| tag::Tag::at(&text[at..]).is_some())
}

proptest! {
    #[test]
    fn text_of_html_has_no_tag(html in MARKUP) {
        let text = text_of(&html);

        prop_assert!(!has_tag(&text), "{text}");
    }

    #[test]
    fn any_html_is_read(html in "\\PC{0,200}") {
        text_of(&html);
    }

    #[test]
    fn plain_text_is_whole(text in "([a-z <>/&;]|<b>|<at|</p>){0,40}") {
        let read: String = plain::read(&text).pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) | Piece::Mention { tag: text, .. } => text,
        }).collect();

        prop_assert_eq!(read, text);
    }

    #[test]
    fn escaped_text_has_no_mention(text in "([a-zA-Z0-9 <>&*_\\[\\]()#.`~|\\\\/-]|<at>|</at>|&amp;|&#60;){0,30}") {
        for escaped in [escape_markdown(&text), escape_card_text(&text)] {
            let sent = without_stray_mentions(Activity::message(escaped.clone()));
            prop_assert_eq!(sent.text.as_deref(), Some(escaped.as_str()));
        }
        prop_assert_eq!(text_of(&escape_xml(&text)), text_of(&escape_xml(&text.split_whitespace().collect::<Vec<_>>().join(" "))));
    }

    #[test]
    fn no_mention_leaves_without_its_entity(text in "([a-z <>/]|<at>|</at>|<at id=\"0\">|<at>Kim</at>|<AT>|<a|t>){0,30}") {
        let kim: Entities = json!([{ "type": "mention", "text": "<at>Kim</at>", "mentioned": { "id": "29:kim" } }]);
        for entities in [json!([]), kim] {
            let message = json!({ "type": "message", "text": text, "entities": entities });
            let sent = without_stray_mentions(serde_json::from_value(message).unwrap());
            let left = sent.text.clone().unwrap();
            let stray = if sent.entities.is_empty() { left.clone() } else { left.replace("<at>Kim</at>", "") };

            prop_assert!(!stray.to_lowercase().contains("<at>") || !sent.entities.is_empty(), "{left}");
            prop_assert_eq!(without_stray_mentions(sent.clone()).text, sent.text);
        }
    }

    #[test]
    fn streamed_text_is_a_prefix_of_the_whole(text in "([a-z /]|<at>|</at>|<at id=\"0\">|<|>| < ){0,30}") {
        let whole = streamable(&format!("{text} end"));
        for (at, _) in text.char_indices() {
            let part = streamable(&text[..at]);
            prop_assert!(whole.starts_with(&part), "{part} | {whole}");
        }
    }
}

type Entities = Value;

#[test]
fn tag_within_a_tag_is_held_back_until_both_are_complete() {
    let shown = ["a <at", "a <at<at", "a <at<at>", "a <at<at>>", "a <at<at>> b", "a < b <at"].map(streamable);

    assert_eq!(shown, ["a ", "a ", "a ", "a ", "a  b", "a < b "]);
}

#[test]
fn mention_of_a_card_stays_with_its_entity() {
    let card = |entities: Value| {
        json!({
            "type": "AdaptiveCard",
            "body": [
                { "type": "TextBlock", "text": "Hi <at>Kim</at> and <at>all</at>" },
                { "type": "FactSet", "facts": [{ "title": "<at>x</at>", "value": "<at>Kim</at>" }] },
            ],
            "actions": [{ "type": "Action.Execute", "title": "<at>y</at>", "data": { "kept": "<at>z</at>" } }],
            "msteams": { "entities": entities },
        })
    };
    let kim = json!([{ "type": "mention", "text": "<at>Kim</at>", "mentioned": { "id": "29:kim", "name": "Kim" } }]);
    let sent = |card: Value| {
        let activity = without_stray_mentions(Activity::message("x").attach(Attachment::adaptive_card(card)));
        activity.attachments[0].content.clone().unwrap()
    };

    let with = sent(card(kim.clone()));
    let without = sent(card(json!([])));
    let invoked = invoke_without_stray_mentions(json!({ "statusCode": 200, "value": card(json!([])) }));

    assert_eq!(with["body"][0]["text"], "Hi <at>Kim</at> and all");
    assert_eq!(with["body"][1]["facts"], json!([{ "title": "x", "value": "<at>Kim</at>" }]));
    assert_eq!(with["msteams"]["entities"], kim);
    assert_eq!(without["body"][0]["text"], "Hi Kim and all");
    assert_eq!(
        (&without["actions"][0]["title"], &without["actions"][0]["data"]["kept"]),
        (&json!("y"), &json!("<at>z</at>"))
    );
    assert_eq!(invoked["value"], without);
    let message = json!({ "type": "application/vnd.microsoft.activity.message", "value": "<at>Kim</at>!" });
    assert_eq!(invoke_without_stray_mentions(message)["value"], "Kim!");
}

#[test]
fn stray_tags_of_mentions_are_removed_in_any_form() {
    for (text, expected) in [
        ("<at>Kim</at> hi", "Kim hi"),
        ("<at id=\"0\">Kim</at>", "Kim"),
        ("<AT>Kim</AT >", "Kim"),
        ("<at/>", ""),
        ("<a<at>t>Kim</at>", "Kim"),
        ("</at>", ""),
        ("3 <at 5", "3 <at 5"),
        ("<atlas> &lt;at&gt;", "<atlas> &lt;at&gt;"),
    ] {
        assert_eq!(without_stray_mentions(Activity::message(text)).text.as_deref(), Some(expected));
    }
}
