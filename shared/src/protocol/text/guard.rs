//! Removes mention tags that have no entity, which the channel would show as a mention that it is not (docs/protocol.md §5.7); the name remains.
//! Total and idempotent: what is left has no stray tag, whatever was taken out of it.

use serde_json::{Map, Value};

use crate::protocol::activity::{Activity, Attachment};

/// Members of a card that are not shown as text.
const NOT_SHOWN: [&str; 6] = ["msteams", "data", "url", "iconUrl", "verb", "id"];

/// Returns `activity` without mention tags that have no entity: in its text, and in its cards.
///
/// # Examples
///
/// ```
/// use herald::protocol::activity::Activity;
/// use herald::protocol::text::without_stray_mentions;
///
/// let sent = without_stray_mentions(Activity::message("Ask <at>Kim</at>."));
/// assert_eq!(sent.text.as_deref(), Some("Ask Kim."));
/// ```
#[must_use]
pub fn without_stray_mentions(activity: Activity) -> Activity {
    let mentions = activity.entities.iter().filter_map(|entity| entity.as_mention()?.text);
    let mentions: Vec<String> = mentions.collect();
    let text = activity.text.map(|text| without_tags(&text, &mentions));
    let attachments = activity.attachments.into_iter().map(clean_attachment).collect();
    Activity { text, attachments, ..activity }
}

/// Returns the body of an answer to an invoke without mention tags that have no entity, in its cards and its message.
#[must_use]
pub fn invoke_without_stray_mentions(mut body: Value) -> Value {
    let shows_message = body["type"] == "application/vnd.microsoft.activity.message";
    if let Some(message) = body.get_mut("value").filter(|_| shows_message)
        && let Value::String(text) = message
    {
        *text = without_tags(text, &[]);
    }
    clean_cards_in(&mut body);
    body
}

/// Returns the text of a stream so far, which later text of it begins with: without mention tags, and without an end that
/// may become one.
#[must_use]
pub fn streamable(text: &str) -> String {
    let mut text = without_tags(text, &[]);
    // A tag that is completed later may complete the one before it: what is left is looked at again.
    while let Some(at) = open_tag(&text) {
        text.truncate(at);
    }
    text
}

/// Returns where an end of `text` begins that may become a mention tag.
fn open_tag(text: &str) -> Option<usize> {
    let at = text.rfind('<')?;
    let rest = text.get(at + 1..).unwrap_or_default();
    let name = rest.strip_prefix('/').unwrap_or(rest).to_ascii_lowercase();
    let may_be_tag = "at".starts_with(&name) || is_at(&name);
    (may_be_tag && !rest.contains('>')).then_some(at)
}

fn clean_attachment(attachment: Attachment) -> Attachment {
    let is_card = |kind: &str| kind.starts_with("application/vnd.microsoft.card.");
    if !attachment.content_type.as_deref().is_some_and(is_card) {
        return attachment;
    }
    let content = attachment.content.map(|mut card| {
        clean_card(&mut card);
        card
    });
    Attachment { content, ..attachment }
}

fn clean_cards_in(value: &mut Value) {
    match value {
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == "AdaptiveCard") => {
            clean_card(value);
        }
        Value::Object(members) => members.values_mut().for_each(clean_cards_in),
        Value::Array(items) => items.iter_mut().for_each(clean_cards_in),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Cleans a card, whose own entities are in `msteams.entities`.
fn clean_card(card: &mut Value) {
    let entities = card.pointer("/msteams/entities").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_mention = |entity: &&Value| entity["type"] == "mention" && entity["mentioned"].is_object();
    let texts = entities.iter().filter(is_mention).filter_map(|entity| entity["text"].as_str());
    let mentions: Vec<String> = texts.map(str::to_owned).collect();
    clean_shown(card, &mentions);
}

fn clean_shown(value: &mut Value, mentions: &[String]) {
    match value {
        Value::String(text) => *text = without_tags(text, mentions),
        Value::Array(items) => items.iter_mut().for_each(|item| clean_shown(item, mentions)),
        Value::Object(members) => shown(members).for_each(|member| clean_shown(member, mentions)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shown(members: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    members.iter_mut().filter(|(name, _)| !NOT_SHOWN.contains(&name.as_str())).map(|(_, member)| member)
}

/// Returns `text` without the tags of mentions, except those of `mentions`.
fn without_tags(text: &str, mentions: &[String]) -> String {
    let mut kept = String::with_capacity(text.len());
    // What is before it is a mention with an entity, or cannot become a tag.
    let mut settled = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_whole = |mention: &&String| is_mention(mention) && rest.starts_with(mention.as_str());
        if c == '<'
            && let Some(mention) = mentions.iter().find(is_whole)
        {
            kept.push_str(mention);
            settled = kept.len();
            rest = rest.get(mention.len()..).unwrap_or_default();
            continue;
        }
        kept.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '>'
            && let Some(at) = kept.get(settled..).and_then(|open| open.rfind('<'))
            && is_at_tag(kept.get(settled + at..).unwrap_or_default())
        {
            kept.truncate(settled + at);
        }
    }
    kept
}

/// Whether an entity's text is a mention: one start tag, a name, one end tag.
fn is_mention(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix("</at>")).unwrap_or_default();
    inner.split_once('>').is_some_and(|(tag, name)| is_at(tag) && !tag.contains('<') && !name.contains('<'))
}

/// Whether `tag`, which begins with `<` and ends with `>`, is a start or an end tag of a mention.
fn is_at_tag(tag: &str) -> bool {
    let inner = tag.strip_prefix('<').and_then(|tag| tag.strip_suffix('>')).unwrap_or_default();
    is_at(inner.strip_prefix('/').unwrap_or(inner))
}

/// Whether the inside of a tag is that of a mention: `at`, alone or with attributes.
fn is_at(inner: &str) -> bool {
    let is_named = inner.get(..2).is_some_and(|name| name.eq_ignore_ascii_case("at"));
    let after = inner.get(2..).unwrap_or_default();
    is_named && (after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c == '/'))
}
