//! Inline sends: the only send of a plan is recorded in its job. The write that stores the plan claims the send, and
//! the write that records its result completes the job. The rules are those of a separate record.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Attempt, Claim, ClaimRequest, Failure, FailureKind, HistoryEntry, Job, JobId, Plan, ResendPolicy, State,
    claim, finish,
};
use crate::protocol::ids::ActivityId;

/// State of the only send of a plan; the lease on the job is the lease on the send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InlineSend {
    /// Current state.
    pub state: State,
    /// Number of attempts.
    pub attempts: u32,
    /// Number of attempts that repeated one with an unknown result.
    pub resends: u32,
    /// Activity id that the channel assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<ActivityId>,
    /// States so far, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
}

impl InlineSend {
    /// Whether the activity may have been delivered though no reply confirmed it.
    #[must_use]
    pub fn may_have_been_delivered(&self) -> bool {
        !self.state.is_settled() && (self.state == State::Sending || self.resends > 0)
    }
}

impl Job {
    /// Whether an earlier attempt of the job or of its inline send may have been delivered.
    pub(super) fn may_have_been_delivered(&self, policy: ResendPolicy) -> bool {
        let own_send = policy.is_visible() && self.resends > 0;
        own_send || self.has_ambiguous_send()
    }

    /// Whether the inline send may have been delivered though no reply confirmed it.
    #[must_use]
    pub fn has_ambiguous_send(&self) -> bool {
        self.inline_send.as_ref().is_some_and(InlineSend::may_have_been_delivered)
    }

    /// Returns the inline send as a separate job, with an expired lease.
    #[must_use]
    pub fn inline_job(&self) -> Option<Self> {
        let send = self.inline_send.clone()?;
        Some(Self {
            id: self.id.clone(),
            revision: self.revision,
            state: send.state,
            owner: String::new(),
            lease_until: Timestamp::MIN,
            not_before: self.not_before,
            attempts: send.attempts,
            resends: send.resends,
            plan: None,
            inline_send: None,
            activity_id: send.activity_id,
            stream: None,
            next: None,
            waits_for: None,
            resumed_by: None,
            history: send.history,
            expires_at: self.expires_at,
        })
    }

    /// Returns the id of the activity that the job or its inline send showed.
    #[must_use]
    pub fn shown_activity(&self) -> Option<&ActivityId> {
        self.activity_id.as_ref().or(self.inline_send.as_ref()?.activity_id.as_ref())
    }

    fn with_inline_job(self, send: Self) -> Self {
        let Self { state, not_before, attempts, resends, activity_id, history, .. } = send;
        let inline_send = Some(InlineSend { state, attempts, resends, activity_id, history });
        Self { inline_send, not_before, ..self }
    }

    /// Returns the job with its inline send in the final `state`, unless the send has one.
    pub(super) fn abandon_send(self, state: State, now: Timestamp, failure: &Failure) -> Self {
        match self.inline_job() {
            Some(send) if !send.state.is_settled() => {
                let ended = Attempt::SameAsPart(state, Some(failure.clone()));
                self.with_inline_job(finish(send, ended, ResendPolicy::AtMostOnce, now))
            }
            _ => self,
        }
    }
}

/// Claims the inline send of `job`, whose lease the caller holds.
///
/// An earlier owner of the job has lost its lease on the send too, so the result of that attempt is unknown. The
/// lease on the job is extended to at least `lease` from `now`.
#[must_use]
pub fn begin_send(job: Job, policy: ResendPolicy, lease: Duration, now: Timestamp) -> Claim {
    let request = ClaimRequest { owner: job.owner.clone(), now, lease, expires_at: job.expires_at, policy };
    match claim(job.inline_job(), &job.id, &request) {
        Claim::Acquired(send) => {
            let lease_until = job.lease_until.max(send.lease_until);
            Claim::Acquired(Job { lease_until, ..job.with_inline_job(send) })
        }
        Claim::Completed(_) => Claim::Completed(job),
        Claim::GaveUp(send) => Claim::GaveUp(complete_as_send(job.with_inline_job(send), now)),
        held @ Claim::Held { .. } => held,
    }
}

/// Claims the job `id` together with the inline send of `plan`, if that is the first thing to do.
///
/// The claim stores `plan`, unless the record has a plan already; that one is then replayed.
#[must_use]
pub fn claim_planned(
    record: Option<Job>,
    id: &JobId,
    request: &ClaimRequest,
    plan: &Plan,
    policy: ResendPolicy,
) -> Claim {
    let is_own_write = record.as_ref().is_some_and(|job| job.owner == request.owner);
    let job = match claim(record, id, request) {
        Claim::Acquired(job) if !is_own_write => Job { plan: job.plan.or_else(|| Some(plan.clone())), ..job },
        decided @ (Claim::Acquired(_) | Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_)) => {
            return decided;
        }
    };
    if job.plan.as_ref().is_none_or(|plan| plan.first_send().is_none()) {
        return Claim::Acquired(job);
    }
    match begin_send(job, policy, request.lease, request.now) {
        // The plan has more to do after its send.
        Claim::Completed(job) => Claim::Acquired(job),
        decided @ (Claim::Acquired(_) | Claim::GaveUp(_) | Claim::Held { .. }) => decided,
    }
}

/// Returns the record of `job` after `attempt` of its inline send.
///
/// The job is completed too, unless the plan has more to do.
#[must_use]
pub fn end_send(job: Job, attempt: Attempt, policy: ResendPolicy, now: Timestamp) -> Job {
    match job.inline_job() {
        Some(send) => complete_as_send(job.with_inline_job(finish(send, attempt, policy, now)), now),
        None => job,
    }
}

/// Returns `job` with its inline send recorded as sent, if that may have been delivered: what follows from it exists, and
/// only a worker that got the channel's reply enqueues it.
#[must_use]
pub fn confirm_send(job: Job, now: Timestamp) -> Job {
    let is_open = job.inline_send.as_ref().is_some_and(InlineSend::may_have_been_delivered);
    match job.inline_job().filter(|_| is_open) {
        Some(send) => {
            let sent = finish(send, Attempt::Sent(None), ResendPolicy::Idempotent, now);
            job.with_inline_job(sent)
        }
        None => job,
    }
}

fn complete_as_send(job: Job, now: Timestamp) -> Job {
    let (Some(plan), Some(send)) = (&job.plan, job.inline_job()) else { return job };
    let attempt = match send.state {
        State::Sending => return job,
        State::Retry => Attempt::Retryable(FailureKind::PartDelayed.into()),
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled
            if plan.next.is_some() =>
        {
            return job;
        }
        State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
            plan.conclusion.attempt(send.unsuccessful_outcome())
        }
    };
    finish(job, attempt, ResendPolicy::Idempotent, now)
}
