//! Chunks: the requests of a stream (docs/protocol.md §6.1), as activities.
//! Does not decide when one is sent; [`Stream::next`] does.

use serde_json::{Value, json};

use super::Stream;
use crate::protocol::activity::{Activity, ActivityType, Entity};
use crate::protocol::ids::ActivityId;
use crate::protocol::text::streamable;

/// One request of a stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Chunk {
    /// A status, shown until there is text.
    Status(String),
    /// All text so far.
    Text(String),
    /// Closes the stream before the task ends; the answer is sent separately.
    Close,
}

impl Chunk {
    /// Returns the first chunk of a stream; the activity id that the channel assigns becomes the stream's id.
    #[must_use]
    pub fn first(status: &str) -> Activity {
        let info = json!({ "streamType": "informative", "streamSequence": 1 });
        Activity { kind: ActivityType::named("typing"), ..chunk_activity(&streamable(status), &info) }
    }

    /// Returns the activity of this chunk as the next of `stream`; `notice` is the text that closes the stream.
    #[must_use]
    pub fn activity(&self, stream: &Stream, notice: &str) -> Activity {
        let typing = ActivityType::named("typing");
        let sequence = stream.sequence.saturating_add(1);
        let chunk = |text: &str, stream_type: &str| {
            let info = json!({
                "streamId": stream.id, "streamType": stream_type, "streamSequence": sequence,
            });
            Activity { kind: typing.clone(), ..chunk_activity(text, &info) }
        };
        match self {
            Self::Status(status) => chunk(&streamable(status), "informative"),
            Self::Text(text) => chunk(text, "streaming"),
            Self::Close if stream.sent_text.is_empty() => {
                final_activity(&stream.id, Activity::message(notice), "timeout")
            }
            Self::Close => {
                let text = format!("{}\n\n{notice}", stream.sent_text);
                final_activity(&stream.id, Activity::message(text), "timeout")
            }
        }
    }
}

/// Returns `activity` as the final message of the stream `id`.
pub(super) fn final_activity(id: &ActivityId, mut activity: Activity, result: &str) -> Activity {
    let info = json!({ "streamId": id, "streamType": "final", "streamResult": result });
    activity.entities.push(stream_info(&info));
    activity
}

fn chunk_activity(text: &str, info: &Value) -> Activity {
    Activity { entities: vec![stream_info(info)], ..Activity::message(text) }
}

fn stream_info(info: &Value) -> Entity {
    Entity { kind: "streaminfo".to_owned(), extra: info.as_object().cloned().unwrap_or_default() }
}

// Streamed text is personal data and must not be logged.
impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Status(_) => "Status(…)",
            Self::Text(_) => "Text(…)",
            Self::Close => "Close",
        })
    }
}
