//! Streamed answers in personal conversations (protocol §6.1, §6.2, §6.5): chunks that replace each other under one id.
//! How fast they come is for the reader of the transcript to judge.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Channel;
use super::directory::{Directory, Place};
use super::refusal::Refusal;

/// Longest time from the first chunk to the final message.
const MAX_LIFE: SignedDuration = SignedDuration::from_secs(120);

/// One stream, by its id.
#[derive(Debug)]
pub(super) struct Stream {
    conversation: String,
    started_at: Timestamp,
    sequence: u64,
    /// The text so far, without informative chunks.
    text: String,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Final,
    Cancelled,
}

/// How an accepted chunk is answered.
pub(super) struct Chunk {
    pub(super) id: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Channel {
    /// Presses Stop: every open stream of the conversation is refused from now on.
    pub fn stop_stream(&self, conversation: &str) {
        let mut directory = self.state.directory();
        let open = directory.streams.values_mut().filter(|stream| stream.conversation == conversation);
        for stream in open.filter(|stream| stream.phase == Phase::Open) {
            stream.phase = Phase::Cancelled;
        }
    }
}

/// The stream info of an activity, if it is part of a stream.
pub(super) fn info(activity: &Value) -> Option<&Value> {
    activity["entities"].as_array()?.iter().find(|entity| entity["type"] == "streaminfo")
}

/// Takes one chunk, or says why not.
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
        // What was streamed stays, and may be replaced.
        directory.writable(conversation)?.activities.insert(id.to_owned());
        return Err(refusal);
    }
    if !is_final {
        let sequence = info["streamSequence"].as_u64().ok_or_else(malformed)?;
        if sequence <= stream.sequence {
            // Accepted and dropped.
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

impl Stream {
    fn new(conversation: &str, now: Timestamp, text: &str) -> Self {
        let (conversation, text) = (conversation.to_owned(), text.to_owned());
        Self { conversation, started_at: now, sequence: 1, text, phase: Phase::Open }
    }

    /// Takes `text`, all of it so far, in place of what it continues.
    fn extend(&mut self, text: &str) -> Result<(), Refusal> {
        if !text.starts_with(&self.text) {
            return Err(not_allowed("Streamed content should contain the previously streamed content"));
        }
        text.clone_into(&mut self.text);
        Ok(())
    }

    fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.phase {
            Phase::Final => Err(not_allowed("The bot has already completed streamed message")),
            Phase::Cancelled => Err(not_allowed("Content stream was canceled by user.")),
            Phase::Open if now.duration_since(self.started_at) > MAX_LIFE => {
                Err(not_allowed("Content stream finished due to exceeded streaming time."))
            }
            Phase::Open => Ok(()),
        }
    }
}

fn malformed() -> Refusal {
    Refusal::new(400, "BadRequest", "Stream fields are missing or invalid")
}

fn not_allowed(message: &str) -> Refusal {
    Refusal::new(403, "ContentStreamNotAllowed", message)
}
