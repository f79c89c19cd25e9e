//! Finishes a stream: how its answer becomes a permanent message, and the fallback when the channel rejects that.
//! A final chunk and an update are idempotent, so the answer is shown once, however often a worker crashes.

use super::{End, Stream, fit_text};
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::RejectionReason;
use crate::protocol::message_split::split_to_fit;
use crate::streaming::chunk_activity;

/// The form in which the answer of a streamed task is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// As the final message of its stream.
    FinalChunk,
    /// As an edit of the streamed message.
    Update,
    /// As a new message.
    Message,
}

/// The answer of a streamed task, split into the stream's message and the messages after it.
#[derive(Clone, PartialEq)]
pub struct Answer {
    /// The message that replaces the stream.
    pub first: Activity,
    /// Messages with the text that does not fit into the first.
    pub rest: Vec<Activity>,
}

/// Splits the result `activity` of a streamed task into an answer that starts with the streamed text.
#[must_use]
pub fn fit_answer(stream: &Stream, activity: Activity) -> Answer {
    let text = activity.text.clone().unwrap_or_default();
    if text.trim().is_empty() {
        // The channel rejects a final message without text.
        let sent_text = if stream.sent_text.is_empty() { &stream.status } else { &stream.sent_text };
        return Answer { first: Activity { text: Some(sent_text.clone()), ..activity }, rest: Vec::new() };
    }
    let piece = fit_text(&text);
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
    /// Returns the final message of `stream`.
    #[must_use]
    pub fn final_chunk(&self, stream: &Stream) -> Activity {
        chunk_activity::final_activity(&stream.id, self.first.clone(), "success")
    }
}

impl Stream {
    /// Returns how an answer with this `text` is shown first; `None` when the user stopped the stream.
    #[must_use]
    pub fn finish_for(&self, text: &str) -> Option<Finish> {
        match self.end {
            Some(End::StoppedByUser) => None,
            None if text.starts_with(&self.sent_text) => Some(Finish::FinalChunk),
            None | Some(End::HandedOver | End::EndedByChannel) => Some(self.fallback(Finish::FinalChunk)),
        }
    }

    /// Decides what follows a rejected `finish`, which was sent before `repeats` times with unknown outcome.
    ///
    /// Returns why the answer needs no other message. A complete stream shows the answer only if an earlier request may
    /// have delivered it.
    ///
    /// # Errors
    ///
    /// The fallback to use next.
    pub fn after_rejection(
        &self,
        finish: Finish,
        rejection: RejectionReason,
        repeats: u32,
    ) -> Result<SkipReason, Finish> {
        match (finish, rejection) {
            (Finish::FinalChunk, RejectionReason::StreamComplete) if repeats > 0 => {
                Ok(SkipReason::AlreadyShown)
            }
            (Finish::FinalChunk, RejectionReason::StreamStopped) => Ok(SkipReason::StoppedByUser),
            (finish, _) => Err(self.fallback(finish)),
        }
    }

    /// Returns what to use after `finish` was rejected.
    #[must_use]
    pub fn fallback(&self, finish: Finish) -> Finish {
        match finish {
            Finish::FinalChunk if self.surface.supports_edits() => Finish::Update,
            Finish::FinalChunk | Finish::Update | Finish::Message => Finish::Message,
        }
    }
}

/// Why a rejected answer is not sent in another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// An earlier request delivered it, and its reply was lost.
    AlreadyShown,
    /// The user pressed Stop.
    StoppedByUser,
}
