//! The only send of a plan, kept in its job's record: the write that stores the plan claims it, and the write that
//! records what it came to ends the job. It is claimed and finished by the rules for a record of its own.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Attempt, Claim, ClaimRequest, Entry, Failure, FailureKind, Job, JobId, Plan, ResendPolicy, State, claim,
    finish,
};
use crate::protocol::ids::ActivityId;

/// What became of the only send of a plan. Whoever has the job in hand has this in hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InlineSend {
    /// Where it stands.
    pub state: State,
    /// How often it was begun.
    pub attempts: u32,
    /// How many of the attempts repeated one whose outcome was not known.
    pub resends: u32,
    /// What the channel called the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<ActivityId>,
    /// How it came to stand there, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Entry>,
}

impl InlineSend {
    /// Whether somebody may have seen it though no reply said so.
    pub(super) fn may_have_been_delivered(&self) -> bool {
        !self.state.is_settled() && (self.state == State::Sending || self.resends > 0)
    }
}

impl Job {
    /// Whether an attempt before this one may have shown somebody what it or its only send is about.
    pub(super) fn may_have_been_delivered(&self, policy: ResendPolicy) -> bool {
        let by_itself = policy.is_visible() && self.resends > 0;
        by_itself || self.inline_send.as_ref().is_some_and(InlineSend::may_have_been_delivered)
    }

    /// The only send of its plan as the job it would be by itself. Its claim is over: it goes with the whole's.
    #[must_use]
    pub fn send(&self) -> Option<Self> {
        let send = self.inline_send.clone()?;
        Some(Self {
            id: self.id.clone(),
            revision: self.revision,
            state: send.state,
            owner: String::new(),
            lease_until: Timestamp::MIN,
            attempts: send.attempts,
            resends: send.resends,
            plan: None,
            inline_send: None,
            activity_id: send.activity_id,
            stream: None,
            next: None,
            history: send.history,
            expires_at: self.expires_at,
        })
    }

    /// What the channel called the activity that this job, or the only send of its plan, came to.
    #[must_use]
    pub fn shown(&self) -> Option<&ActivityId> {
        self.activity_id.as_ref().or(self.inline_send.as_ref()?.activity_id.as_ref())
    }

    fn with_send(self, send: Self) -> Self {
        let Self { state, attempts, resends, activity_id, history, .. } = send;
        Self { inline_send: Some(InlineSend { state, attempts, resends, activity_id, history }), ..self }
    }

    /// The job with its send, where that is not settled, ended so.
    pub(super) fn abandon_send(self, state: State, now: Timestamp, failure: &Failure) -> Self {
        match self.send() {
            Some(send) if !send.state.is_settled() => {
                let ended = Attempt::SameAsPart(state, Some(failure.clone()));
                self.with_send(finish(send, ended, ResendPolicy::AtMostOnce, now))
            }
            _ => self,
        }
    }
}

/// Decides about the only send of the plan of `job`, which the caller has in hand.
///
/// Whoever began it before has lost the job, and with it the send: what they did of it is not known. The claim on
/// the job is the claim on its send, and holds for `lease` from `now` at least.
#[must_use]
pub fn begin_send(job: Job, policy: ResendPolicy, lease: Duration, now: Timestamp) -> Claim {
    let claimant = ClaimRequest { owner: job.owner.clone(), now, lease, expires_at: job.expires_at, policy };
    match claim(job.send(), &job.id, &claimant) {
        Claim::Acquired(send) => {
            let lease_until = job.lease_until.max(send.lease_until);
            Claim::Acquired(Job { lease_until, ..job.with_send(send) })
        }
        Claim::Completed(_) => Claim::Completed(job),
        Claim::GaveUp(send) => Claim::GaveUp(complete_as_send(job.with_send(send), now)),
        busy @ Claim::Held { .. } => busy,
    }
}

/// Decides about wanting the job `id` with what to do about it known already.
///
/// The claim stores `plan`, unless the record has one, which is then what is done; its only send is claimed with it.
#[must_use]
pub fn claim_planned(
    record: Option<Job>,
    id: &JobId,
    claimant: &ClaimRequest,
    plan: &Plan,
    policy: ResendPolicy,
) -> Claim {
    let is_repeated = record.as_ref().is_some_and(|job| job.owner == claimant.owner);
    let job = match claim(record, id, claimant) {
        Claim::Acquired(job) if !is_repeated => Job { plan: job.plan.or_else(|| Some(plan.clone())), ..job },
        decided @ (Claim::Acquired(_) | Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_)) => {
            return decided;
        }
    };
    if job.plan.as_ref().is_none_or(|plan| plan.inline_send().is_none()) {
        return Claim::Acquired(job);
    }
    match begin_send(job, policy, claimant.lease, claimant.now) {
        // Something is to follow it.
        Claim::Completed(job) => Claim::Acquired(job),
        decided @ (Claim::Acquired(_) | Claim::GaveUp(_) | Claim::Held { .. }) => decided,
    }
}

/// What the record of `job`, whose only send the caller began, becomes after that `attempt`.
///
/// Where nothing follows the send, the job ends with it.
#[must_use]
pub fn end_send(job: Job, attempt: Attempt, policy: ResendPolicy, now: Timestamp) -> Job {
    match job.send() {
        Some(send) => complete_as_send(job.with_send(finish(send, attempt, policy, now)), now),
        None => job,
    }
}

fn complete_as_send(job: Job, now: Timestamp) -> Job {
    let (Some(plan), Some(send)) = (&job.plan, job.send()) else { return job };
    let attempt = match send.state {
        State::Sending => return job,
        State::Retry => Attempt::Retryable(FailureKind::PartDelayed.into()),
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled
            if plan.next.is_some() =>
        {
            return job;
        }
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
            plan.conclusion.attempt(send.unsuccessful())
        }
    };
    finish(job, attempt, ResendPolicy::Idempotent, now)
}
