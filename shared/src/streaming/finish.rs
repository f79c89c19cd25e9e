//! The end of a streamed answer: in which way it is shown for good, and which is next when the channel refuses one.
//! The first two ways may be repeated freely, so however often workers die the answer is there once.

use super::{End, Stream, shown};
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::RejectionReason;
use crate::protocol::message_size::split_to_fit;
use crate::streaming::chunk;

/// A way to show the answer of a streamed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// As the last message of its stream.
    FinalChunk,
    /// In place of what the stream showed.
    Update,
    /// As a message of its own.
    Message,
}

/// The answer of a streamed task, as it is shown.
#[derive(Clone, PartialEq)]
pub struct Answer {
    /// What takes the place of the stream.
    pub first: Activity,
    /// What did not fit into it.
    pub rest: Vec<Activity>,
}

/// How `activity` is shown that a streamed task came to: what one activity does not hold comes after it, and what was
/// streamed stays where it is.
#[must_use]
pub fn answer(stream: &Stream, activity: Activity) -> Answer {
    let text = activity.text.clone().unwrap_or_default();
    if text.trim().is_empty() {
        // The channel takes no stream that ends without a text.
        let sent_text = if stream.sent_text.is_empty() { &stream.status } else { &stream.sent_text };
        return Answer { first: Activity { text: Some(sent_text.clone()), ..activity }, rest: Vec::new() };
    }
    let piece = shown(&text);
    if piece.len() == text.len() {
        return Answer { first: activity, rest: Vec::new() };
    }
    let is_longer = stream.sent_text.len() > piece.len() && text.starts_with(&stream.sent_text);
    let piece = if is_longer { stream.sent_text.as_str() } else { piece };
    let rest = text.get(piece.len()..).unwrap_or_default().to_owned();
    let first = Activity { locale: activity.locale.clone(), ..Activity::message(piece) };
    Answer { first, rest: split_to_fit(Activity { text: Some(rest), ..activity }) }
}

impl Answer {
    /// The last message of `stream`.
    #[must_use]
    pub fn last(&self, stream: &Stream) -> Activity {
        chunk::last(&stream.id, self.first.clone(), "success")
    }
}

impl Stream {
    /// The way in which an answer of this `text` is shown first; `None` when nobody wants it any more.
    #[must_use]
    pub fn way(&self, text: &str) -> Option<Finish> {
        match self.end {
            Some(End::StoppedByUser) => None,
            None if text.starts_with(&self.sent_text) => Some(Finish::FinalChunk),
            None | Some(End::HandedOver | End::EndedByChannel) => Some(self.fallback(Finish::FinalChunk)),
        }
    }

    /// The way that is left when the channel refused `way`, tried before `repeats` times without knowing what came of
    /// it; `Ok` when it is shown, or nobody wants it.
    ///
    /// A stream that is complete before its answer may have reached it ended with something else.
    ///
    /// # Errors
    ///
    /// The way to try.
    pub fn after_refusal(
        &self,
        way: Finish,
        refusal: RejectionReason,
        repeats: u32,
    ) -> Result<Shown, Finish> {
        match (way, refusal) {
            (Finish::FinalChunk, RejectionReason::StreamComplete) if repeats > 0 => Ok(Shown::Already),
            (Finish::FinalChunk, RejectionReason::StreamStopped) => Ok(Shown::Unwanted),
            (way, _) => Err(self.fallback(way)),
        }
    }

    /// The way to try after `way`.
    #[must_use]
    pub fn fallback(&self, way: Finish) -> Finish {
        match way {
            Finish::FinalChunk if self.surface.has_edits() => Finish::Update,
            Finish::FinalChunk | Finish::Update | Finish::Message => Finish::Message,
        }
    }
}

/// Why an answer that was refused needs no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It was shown before, and only the reply to that was lost.
    Already,
    /// The person pressed Stop.
    Unwanted,
}
