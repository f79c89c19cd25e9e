//! Streamed answers in personal conversations (docs/protocol.md §6.1, §6.2, §6.5): chunks that replace each other under one id.
//! The rate of updates is not limited; tests check it in the transcript.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::persistent_state::{Directory, Place};
use super::refusal::Refusal;
use super::stream::{Phase, Stream};

/// The response to an accepted chunk.
pub(super) struct Chunk {
    pub(super) id: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Returns the stream info of an activity; `None` if it is not part of a stream.
pub(super) fn info(activity: &Value) -> Option<&Value> {
    activity["entities"].as_array()?.iter().find(|entity| entity["type"] == "streaminfo")
}

/// Accepts or rejects one chunk.
pub(super) fn accept(
    directory: &mut Directory,
    conversation: &str,
    activity: &Value,
    info: &Value,
    now: Timestamp,
) -> Result<Chunk, Refusal> {
    if !matches!(directory.writable(conversation)?.place, Place::Personal(_)) {
        return Err(Refusal::raw(405, ""));
    }
    let is_final = info["streamType"] == "final";
    match (is_final, activity["type"].as_str()) {
        (true, Some("message")) | (false, Some("typing")) => {}
        (true, Some("typing")) => {
            let message =
                "Only start streaming and continue streaming types are allowed as a typing activity";
            return Err(Refusal::new(400, "BadArgument", message));
        }
        _ => return Err(malformed()),
    }
    let text = activity["text"].as_str().filter(|text| !text.is_empty() || is_final).ok_or_else(malformed)?;
    let is_informative = info["streamType"] == "informative";
    let Some(id) = info["streamId"].as_str() else {
        if is_final || info["streamSequence"] != 1 {
            return Err(malformed());
        }
        let id = directory.next_activity(now);
        let text = if is_informative { "" } else { text };
        directory.streams.insert(id.clone(), Stream::new(conversation, now, text));
        return Ok(Chunk { status: 201, body: json!({ "id": id }), id });
    };
    let stream = directory.streams.get_mut(id).filter(|stream| stream.conversation == conversation);
    let stream = stream.ok_or_else(malformed)?;
    if let Err(refusal) = stream.check(now) {
        // The streamed text remains, and can be replaced.
        directory.writable(conversation)?.activities.insert(id.to_owned());
        return Err(refusal);
    }
    if !is_final {
        let sequence = info["streamSequence"].as_u64().ok_or_else(malformed)?;
        if sequence <= stream.sequence {
            // Accepted and ignored.
            let code = "ContentStreamSequenceOrderPreConditionFailed";
            let body = json!({ "error": { "code": code, "message": "Out of order" } });
            return Ok(Chunk { id: id.to_owned(), status: 202, body });
        }
        if !is_informative {
            stream.extend(text)?;
        }
        stream.sequence = sequence;
    }
    if is_final {
        stream.extend(text)?;
        stream.phase = Phase::Final;
        directory.writable(conversation)?.activities.insert(id.to_owned());
    }
    Ok(Chunk { id: id.to_owned(), status: 202, body: json!({}) })
}

fn malformed() -> Refusal {
    Refusal::new(400, "BadRequest", "Stream fields are missing or invalid")
}
