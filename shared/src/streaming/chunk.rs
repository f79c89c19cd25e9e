//! Chunks: what a stream is told in (protocol §6.1), as activities.
//! When which is sent is the stream's decision.

use serde_json::{Value, json};

use super::Stream;
use crate::protocol::activity::{Activity, ActivityType, Entity};
use crate::protocol::ids::ActivityId;

/// One request of a stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Chunk {
    /// What is being done, until there is text.
    Status(String),
    /// All of the text so far.
    Text(String),
    /// The end of the stream before the end of the work; the answer will follow.
    Close,
}

impl Chunk {
    /// The first chunk of a stream; the channel gives it the stream's id.
    #[must_use]
    pub fn first(status: &str) -> Activity {
        let info = json!({ "streamType": "informative", "streamSequence": 1 });
        Activity { kind: ActivityType::named("typing"), ..streamed(status, &info) }
    }

    /// The activity of this chunk, the next of `stream`; `notice` closes a stream that timed out.
    #[must_use]
    pub fn activity(&self, stream: &Stream, notice: &str) -> Activity {
        let typing = ActivityType::named("typing");
        let sequence = stream.sequence.saturating_add(1);
        let chunk = |text: &str, stream_type: &str| {
            let info = json!({
                "streamId": stream.id, "streamType": stream_type, "streamSequence": sequence,
            });
            Activity { kind: typing.clone(), ..streamed(text, &info) }
        };
        match self {
            Self::Status(status) => chunk(status, "informative"),
            Self::Text(text) => chunk(text, "streaming"),
            Self::Close if stream.sent_text.is_empty() => {
                last(&stream.id, Activity::message(notice), "timeout")
            }
            Self::Close => {
                let text = format!("{}\n\n{notice}", stream.sent_text);
                last(&stream.id, Activity::message(text), "timeout")
            }
        }
    }
}

/// `activity` as the last one of the stream `id`, which is the message that stays.
pub(super) fn last(id: &ActivityId, mut activity: Activity, result: &str) -> Activity {
    let info = json!({ "streamId": id, "streamType": "final", "streamResult": result });
    activity.entities.push(info_of(&info));
    activity
}

fn streamed(text: &str, info: &Value) -> Activity {
    Activity { entities: vec![info_of(info)], ..Activity::message(text) }
}

fn info_of(info: &Value) -> Entity {
    Entity { kind: "streaminfo".to_owned(), extra: info.as_object().cloned().unwrap_or_default() }
}

// What is streamed to a person is nobody else's.
impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Status(_) => "Status(…)",
            Self::Text(_) => "Text(…)",
            Self::Close => "Close",
        })
    }
}
