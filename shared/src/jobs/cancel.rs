//! Cancels a waiting job. A job that may have been done ends as UNKNOWN instead of CANCELLED.
//! Permissions are checked by the caller.

use jiff::Timestamp;

use super::claim::completed;
use super::{Failure, FailureKind, InlineSend, Job, JobId, State};

/// Initiator of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelledBy {
    /// Operator of the agent.
    Operator,
    /// User that the job was for.
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

/// Result of [`cancel()`].
#[derive(Debug, Clone, PartialEq)]
pub enum Cancel {
    /// The job ends once this record is written.
    Cancelled(Job),
    /// An owner holds the lease; the job is not cancelled.
    Held {
        /// End of that lease.
        until: Timestamp,
        /// Step that may follow.
        next: JobId,
    },
    /// The state was final before.
    AlreadyCompleted(Job),
}

/// Cancels `job`, unless an owner holds its lease.
///
/// A job that may have been done becomes UNKNOWN, because CANCELLED means that it was not.
#[must_use]
pub fn cancel(job: Job, by: CancelledBy, now: Timestamp) -> Cancel {
    let is_running = match job.state {
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
            return Cancel::AlreadyCompleted(job);
        }
        State::Sending => true,
        State::Retry => false,
    };
    if is_running && now < job.lease_until {
        return Cancel::Held { until: job.lease_until, next: job.next_step() };
    }
    let is_ambiguous = is_running
        || job.resends > 0
        || job.inline_send.as_ref().is_some_and(InlineSend::may_have_been_delivered);
    let state = if is_ambiguous { State::Unknown } else { State::Cancelled };
    let failure = by.failure();
    let ended = completed(job.abandon_send(state, now, &failure), state, now, Some(failure));
    Cancel::Cancelled(ended)
}
