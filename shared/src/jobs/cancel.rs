//! Cancelling: only what waits can be, and what may have been done meanwhile is not said not to have been.
//! Who may cancel what is the caller's to say.

use jiff::Timestamp;

use super::claim::settled;
use super::{Failure, FailureKind, Job, JobId, OnlySend, State};

/// Who wishes to have a job not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Whoever runs the agent.
    Operator,
    /// Whoever it was to be done for.
    User,
}

impl By {
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
    InHand {
        /// When their lease ends.
        until: Timestamp,
        /// The step that may follow it.
        next: JobId,
    },
    /// It was settled before, and stays so.
    Settled(Job),
}

/// Decides about cancelling `job`: only what waits can be.
///
/// What may have been done meanwhile does not become CANCELLED, which would say that it was not.
#[must_use]
pub fn cancel(job: Job, by: By, now: Timestamp) -> Cancel {
    let is_in_hand = match job.state {
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
            return Cancel::Settled(job);
        }
        State::Sending => true,
        State::Retry => false,
    };
    if is_in_hand && now < job.lease_until {
        return Cancel::InHand { until: job.lease_until, next: job.next_step() };
    }
    let may_be_done =
        is_in_hand || job.resends > 0 || job.only_send.as_ref().is_some_and(OnlySend::may_be_done);
    let state = if may_be_done { State::Unknown } else { State::Cancelled };
    let failure = by.failure();
    let ended = settled(job.giving_up_send(state, now, &failure), state, now, Some(failure));
    Cancel::Cancelled(ended)
}
