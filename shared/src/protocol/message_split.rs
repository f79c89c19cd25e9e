//! Splits messages to the size of one activity (docs/protocol.md §1.9), without losing text.
//! A message that cannot be split is sent unchanged; the channel decides about it.

use crate::protocol::activity::{Activity, Entity};

/// Maximum size of an activity that every path of the channel accepts, in bytes of UTF-16. Teams documents 100 KB today
/// and 28 KB before.
pub const MAX_MESSAGE_BYTES: usize = 25 * 1024;

/// Returns `activity` as messages that fit, in order; the last has the cards and suggestions, and each its mentions.
///
/// # Examples
///
/// ```
/// use herald::protocol::activity::Activity;
/// use herald::protocol::message_split::{MAX_MESSAGE_BYTES, split_to_fit};
///
/// assert_eq!(split_to_fit(Activity::message("short")).len(), 1);
/// assert_eq!(split_to_fit(Activity::message("long ".repeat(MAX_MESSAGE_BYTES / 5))).len(), 3);
/// ```
#[must_use]
pub fn split_to_fit(activity: Activity) -> Vec<Activity> {
    let text = match &activity.text {
        Some(text) if activity.is("message") && !text.is_empty() => text.clone(),
        Some(_) | None => return vec![activity],
    };
    let without_text = Activity { text: None, ..activity.clone() };
    let overhead = serde_json::to_string(&without_text).map_or(0, |json| json.chars().map(bytes_of).sum());
    // With a card that is too large by itself, the text gets half of the size.
    let room = MAX_MESSAGE_BYTES.saturating_sub(overhead).max(MAX_MESSAGE_BYTES / 2);
    let mut pieces = split_text(&text, room);
    let last = pieces.pop().unwrap_or_default();
    let is_in = |entity: &&Entity, piece: &str| {
        let mention = entity.as_mention().and_then(|mention| mention.text);
        mention.is_some_and(|mention| !mention.is_empty() && piece.contains(&mention))
    };
    let is_only_before =
        |entity: &&Entity| !is_in(entity, last) && pieces.iter().any(|piece| is_in(entity, piece));
    let of_last = activity.entities.iter().filter(|entity| !is_only_before(entity)).cloned().collect();
    let plain = |piece: &str| Activity {
        text: Some(piece.to_owned()),
        attachments: Vec::new(),
        entities: activity.entities.iter().filter(|entity| is_in(entity, piece)).cloned().collect(),
        channel_data: None,
        value: None,
        extra: activity.extra.iter().filter(|(name, _)| *name == "textFormat").map(owned).collect(),
        ..activity.clone()
    };
    let mut activities: Vec<Activity> = pieces.iter().map(|piece| plain(piece)).collect();
    activities.push(Activity { text: Some(last.to_owned()), entities: of_last, ..activity });
    activities
}

/// Returns `text` in pieces of at most `room` bytes, split between paragraphs, lines or words where possible.
pub(crate) fn split_text(text: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(most) = split_index(rest, room) {
        let (window, _) = rest.split_at(most);
        // A split in the first half would make too many pieces.
        let is_late = |end: &usize| *end > most / 2;
        let after = |mark: &str| window.rfind(mark).map(|at| at.saturating_add(mark.len()));
        let end = ["\n\n", "\n", " "].into_iter().filter_map(after).find(is_late).unwrap_or(most);
        let (piece, following) = rest.split_at(end);
        pieces.push(piece);
        rest = following;
    }
    pieces.push(rest);
    pieces
}

/// Returns the index at which `text` exceeds `room` bytes; `None` when it fits.
fn split_index(text: &str, room: usize) -> Option<usize> {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += bytes_of(character);
        if used > room {
            // At least one character, so that the loop ends.
            return Some(at.max(character.len_utf8()));
        }
    }
    None
}

/// Returns the bytes of a character in JSON as UTF-16.
fn bytes_of(character: char) -> usize {
    let units = match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        control if control < ' ' => 6,
        other => other.len_utf16(),
    };
    units * 2
}

fn owned((name, value): (&String, &serde_json::Value)) -> (String, serde_json::Value) {
    (name.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn utf16_bytes(activity: &Activity) -> usize {
        serde_json::to_string(activity).unwrap().encode_utf16().count() * 2
    }

    #[test]
    fn long_text_is_split_without_loss() {
        let texts = [
            "text ".repeat(20_000),
            "no_space".repeat(9_000),
            "🦀".repeat(30_000),
            "\u{1}".repeat(40_000),
            "A paragraph.\n\n".repeat(5_000),
            "\"quoted\"\n".repeat(5_000),
        ];

        for text in texts {
            let pieces = split_to_fit(Activity::message(text.clone()));

            assert!(pieces.len() > 2);
            assert!(pieces.iter().all(|piece| utf16_bytes(piece) <= MAX_MESSAGE_BYTES + 128));
            assert_eq!(pieces.iter().filter_map(|piece| piece.text.as_deref()).collect::<String>(), text);
        }
    }

    #[test]
    fn other_members_go_with_the_last_piece() {
        let text = "text ".repeat(5_000);
        let long: Activity = serde_json::from_value(json!({
            "type": "message", "text": text, "textFormat": "markdown", "locale": "en-GB",
            "entities": [{ "type": "https://schema.org/Message" }], "suggestedActions": { "actions": [] },
        }))
        .unwrap();

        let pieces = split_to_fit(long);

        let (last, before) = pieces.split_last().unwrap();
        assert_eq!((last.entities.len(), last.extra.len()), (1, 2));
        for piece in before {
            assert_eq!((piece.entities.len(), piece.extra.len()), (0, 1));
            assert_eq!(piece.locale.as_deref(), Some("en-GB"));
        }
    }

    #[test]
    fn mentions_stay_with_their_text() {
        let mention = |name: &str| json!({ "type": "mention", "text": format!("<at>{name}</at>"), "mentioned": { "id": name } });
        let text = format!("<at>Kim</at> {} <at>Dana</at>", "text ".repeat(5_000));
        let long: Activity = serde_json::from_value(json!({
            "type": "message", "text": text, "entities": [mention("Kim"), mention("Dana"), { "type": "x" }],
        }))
        .unwrap();

        let pieces = split_to_fit(long);

        let names = |piece: &Activity| {
            let mentions = piece.entities.iter().filter_map(Entity::as_mention);
            mentions.map(|mention| mention.mentioned.id.as_str().to_owned()).collect::<Vec<_>>()
        };
        let (last, before) = pieces.split_last().unwrap();
        assert_eq!((names(&before[0]), names(last)), (vec!["Kim".to_owned()], vec!["Dana".to_owned()]));
        assert_eq!(last.entities.len(), 2);
    }

    #[test]
    fn message_without_text_is_unchanged() {
        let card: Activity =
            serde_json::from_value(json!({ "type": "message", "value": "x".repeat(50_000) })).unwrap();

        assert_eq!(split_to_fit(card.clone()), [card]);
        assert_eq!(split_to_fit(Activity::message("short")), [Activity::message("short")]);
    }
}
