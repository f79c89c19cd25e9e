//! Parts of jobs that are claimed separately, so that each has a record of its own.

use super::JobId;
use crate::hash;

/// Kind of a part of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One of several sends.
    Send,
    /// The task that follows a turn, and its later steps.
    Task,
    /// The second call of the engine for a turn, without a deadline.
    WithoutDeadline,
    /// The failure notice for work that was not done.
    Apology,
    /// The effects of an answer in an HTTP response.
    Effects,
    /// The update of an activity by an answer.
    Update,
    /// The sends in place of a stream that the channel rejected.
    Unstreamed,
    /// The end of a stream.
    StreamEnd,
    /// The sends after the end of a stream.
    AfterStream,
    /// One run of a reminder.
    Reminder,
    /// One of the signals of its effects.
    Signal,
}

impl Part {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Send,
        Self::Task,
        Self::WithoutDeadline,
        Self::Apology,
        Self::Effects,
        Self::Update,
        Self::Unstreamed,
        Self::StreamEnd,
        Self::AfterStream,
        Self::Reminder,
        Self::Signal,
    ];

    /// Returns the name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Task => "task",
            Self::WithoutDeadline => "no_deadline",
            Self::Apology => "apology",
            Self::Effects => "effects",
            Self::Update => "update",
            Self::Unstreamed => "unstreamed",
            Self::StreamEnd => "stream_end",
            Self::AfterStream => "after_stream",
            Self::Reminder => "reminder",
            Self::Signal => "signal",
        }
    }
}

impl JobId {
    /// Returns the id of the part `index` of this kind.
    #[must_use]
    pub fn part(&self, part: Part, index: usize) -> Self {
        Self::from_hash(hash::sha256(&["part", self.as_str(), part.name(), &index.to_string()]))
    }
}
