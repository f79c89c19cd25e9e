//! Cancelling: only what waits can be, and what may have been done meanwhile is not said not to have been.
//! Who may cancel what is the caller's to say.

use jiff::Timestamp;

use super::claim::completed;
use super::{Failure, FailureKind, InlineSend, Job, JobId, State};

/// Who wishes to have a job not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelledBy {
    /// Whoever runs the agent.
    Operator,
    /// Whoever it was to be done for.
    User,
}

impl CancelledBy {
    pub(super) fn failure(self) -> Failure {
        Failure::new(match self {
            Self::Operator => FailureKind::CancelledByOperator,
            Self::User => FailureKind::CancelledByUser,
        })
    }
}

/// What came of a wish to have a job not done.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancel {
    /// It ends here, once this record is written.
    Cancelled(Job),
    /// Someone has it in hand, until then at the latest: it is left alone.
    Held {
        /// When their lease ends.
        until: Timestamp,
        /// The step that may follow it.
        next: JobId,
    },
    /// It was settled before, and stays so.
    AlreadyCompleted(Job),
}

/// Decides about cancelling `job`: only what waits can be.
///
/// What may have been done meanwhile does not become CANCELLED, which would say that it was not.
#[must_use]
pub fn cancel(job: Job, by: CancelledBy, now: Timestamp) -> Cancel {
    let is_in_hand = match job.state {
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
            return Cancel::AlreadyCompleted(job);
        }
        State::Sending => true,
        State::Retry => false,
    };
    if is_in_hand && now < job.lease_until {
        return Cancel::Held { until: job.lease_until, next: job.next_step() };
    }
    let may_be_done = is_in_hand
        || job.resends > 0
        || job.inline_send.as_ref().is_some_and(InlineSend::may_have_been_delivered);
    let state = if may_be_done { State::Unknown } else { State::Cancelled };
    let failure = by.failure();
    let ended = completed(job.abandon_send(state, now, &failure), state, now, Some(failure));
    Cancel::Cancelled(ended)
}
