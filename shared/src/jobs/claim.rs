//! Claim and finish: what a job's record becomes (fault model: claim before send, resend budget R).
//! They know nothing of where the record is kept, nor of what the job does.

use std::time::Duration;

use jiff::Timestamp;

use super::{Failure, FailureKind, Job, JobId, State};
use crate::protocol::channel_error::Ambiguity;
use crate::protocol::ids::ActivityId;

/// How often a job may be repeated after an attempt whose outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendPolicy {
    /// Asking the engine: repeated freely, for nothing is shown by it.
    Idempotent,
    /// A send of an answer: once more, whatever hid the outcome. A rare second copy beats no answer.
    Answer,
    /// A send of a broadcast: once more after 502, 503 or 504, which the channel says may be retried; never
    /// after a lost reply.
    Broadcast,
    /// A send that nobody may see twice: never again, whatever hid the outcome.
    AtMostOnce,
    /// A change of what a broadcast showed: repeated freely, for the outcome is the same.
    Amendment,
}

impl ResendPolicy {
    /// Whether the send is one of many alike.
    #[must_use]
    pub fn is_of_broadcast(self) -> bool {
        match self {
            Self::Broadcast | Self::AtMostOnce | Self::Amendment => true,
            Self::Idempotent | Self::Answer => false,
        }
    }

    /// Whether each attempt may show somebody a copy: what may have been done once is then never said not to have been.
    pub(super) fn is_visible(self) -> bool {
        match self {
            Self::Answer | Self::Broadcast | Self::AtMostOnce => true,
            Self::Idempotent | Self::Amendment => false,
        }
    }

    fn allows_resend(self, loss: Ambiguity, resends: u32) -> bool {
        match (self, loss) {
            (Self::Idempotent | Self::Amendment, _) => true,
            (Self::Answer, Ambiguity::LostReply | Ambiguity::GatewayError)
            | (Self::Broadcast, Ambiguity::GatewayError) => resends < 1,
            (Self::Broadcast, Ambiguity::LostReply)
            | (Self::AtMostOnce, Ambiguity::LostReply | Ambiguity::GatewayError) => false,
        }
    }
}

/// Who wants to claim, when, and for how long.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// A token nobody else has.
    pub owner: String,
    /// The present moment.
    pub now: Timestamp,
    /// How long the claim is to hold: longer than the attempt can take.
    pub lease: Duration,
    /// When a job that is new now is too late.
    pub expires_at: Timestamp,
    /// How often it may be repeated.
    pub policy: ResendPolicy,
}

/// What came of wanting a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is the claimant's, once this record is written.
    Acquired(Job),
    /// It is settled already.
    Completed(Job),
    /// Someone else has it in hand, until then at the latest: come back, do not acknowledge.
    Held {
        /// When their lease ends.
        until: Timestamp,
    },
    /// It ends here, once this record is written: too late, or not to be repeated.
    GaveUp(Job),
}

/// Decides about wanting the job `id`, given its record.
#[must_use]
pub fn claim(record: Option<Job>, id: &JobId, claimant: &ClaimRequest) -> Claim {
    let now = claimant.now;
    let Some(job) = record else {
        let job = Job {
            id: id.clone(),
            revision: 0,
            state: State::Sending,
            owner: claimant.owner.clone(),
            lease_until: lease_end(claimant),
            attempts: 1,
            resends: 0,
            plan: None,
            inline_send: None,
            activity_id: None,
            stream: None,
            next: None,
            history: Vec::new(),
            expires_at: claimant.expires_at,
        };
        return Claim::Acquired(job.transition(State::Sending, now, None));
    };
    if job.state.is_settled() {
        return Claim::Completed(job);
    }
    let is_abandoned = job.state == State::Sending && job.owner != claimant.owner;
    if is_abandoned && now < job.lease_until {
        return Claim::Held { until: job.lease_until };
    }
    if job.state == State::Sending && job.owner == claimant.owner {
        // Our own write, repeated by the SDK after its reply was lost.
        return Claim::Acquired(job);
    }
    if is_abandoned && !claimant.policy.allows_resend(Ambiguity::LostReply, job.resends) {
        return Claim::GaveUp(completed(job, State::Unknown, now, Some(FailureKind::SenderDied.into())));
    }
    if now >= job.expires_at {
        let is_lost = is_abandoned && claimant.policy.is_visible();
        let may_be_done = is_lost || job.may_have_been_delivered(claimant.policy);
        let (state, failure) = match may_be_done {
            true => (State::Unknown, Failure::new(FailureKind::NotRepeatedInTime)),
            false => (State::Expired, Failure::new(FailureKind::Expired)),
        };
        return Claim::GaveUp(completed(job.abandon_send(state, now, &failure), state, now, Some(failure)));
    }
    let taken = Job {
        owner: claimant.owner.clone(),
        lease_until: lease_end(claimant),
        attempts: job.attempts.saturating_add(1),
        resends: job.resends.saturating_add(u32::from(is_abandoned)),
        ..job
    };
    let failure = is_abandoned.then(|| FailureKind::WorkerDied.into());
    Claim::Acquired(taken.transition(State::Sending, now, failure))
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// It was done; the channel may have given the activity an id.
    Sent(Option<ActivityId>),
    /// It was surely not done, for this reason, and may be tried again.
    Retryable(Failure),
    /// It may have been done.
    Ambiguous(Ambiguity),
    /// This attempt cannot be done, for this reason; one before it may have been.
    Rejected(Failure),
    /// It is for a part of it to say: as that ended, so does the whole.
    SameAsPart(State, Option<Failure>),
}

/// What the record of `job`, which the caller claimed, becomes after `attempt`.
#[must_use]
pub fn finish(job: Job, attempt: Attempt, policy: ResendPolicy, now: Timestamp) -> Job {
    match attempt {
        Attempt::Sent(activity_id) => Job { activity_id, ..completed(job, State::Sent, now, None) },
        Attempt::Retryable(failure) => job.transition(State::Retry, now, Some(failure)),
        Attempt::Ambiguous(loss) if policy.allows_resend(loss, job.resends) => {
            let resends = job.resends.saturating_add(1);
            Job { resends, ..job }.transition(State::Retry, now, Some(FailureKind::from(loss).into()))
        }
        Attempt::Ambiguous(loss) => completed(job, State::Unknown, now, Some(FailureKind::from(loss).into())),
        Attempt::Rejected(failure) => {
            let may_be_done = job.may_have_been_delivered(policy);
            let failed = completed(job, State::Failed, now, Some(failure));
            match may_be_done {
                true => failed.transition(State::Unknown, now, Some(FailureKind::EarlierAttempt.into())),
                false => failed,
            }
        }
        Attempt::SameAsPart(state, failure) => completed(job, state, now, failure),
    }
}

/// The record without what the engine decided: the claim and its story alone live on.
pub(super) fn completed(job: Job, state: State, now: Timestamp, failure: Option<Failure>) -> Job {
    Job { plan: None, stream: None, ..job }.transition(state, now, failure)
}

fn lease_end(claimant: &ClaimRequest) -> Timestamp {
    claimant.now.checked_add(claimant.lease).unwrap_or(Timestamp::MAX)
}
