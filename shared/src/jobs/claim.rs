//! Claims a job before an attempt and records its result after it (fault model: claim before send, resend budget R).
//! Does not store the record and does not know what the job does.

use std::time::Duration;

use jiff::Timestamp;

use super::{Failure, FailureKind, Job, JobId, State};
use crate::agent::signal::ResumedBy;
use crate::protocol::channel_error::Ambiguity;
use crate::protocol::ids::ActivityId;

/// Bound of the jitter of [`ResendPolicy::not_before`].
pub const JITTER: u64 = 1_000_000;

/// Limit of repeated attempts after an ambiguous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendPolicy {
    /// Call of the engine: repeated without limit, because it shows nothing.
    Idempotent,
    /// Send of the first answer to an activity: repeated as [`Answer`](Self::Answer), but while the user still waits.
    Ack,
    /// Send of an answer: repeated once after any ambiguity. A rare second copy is better than no answer.
    Answer,
    /// Send of a broadcast: repeated once after 502, 503 or 504, which the channel documents as retryable; never
    /// after a lost reply.
    Broadcast,
    /// Send that must not be delivered twice: never repeated after an ambiguity.
    AtMostOnce,
    /// Update or deletion of a delivered activity: repeated without limit, because it is idempotent.
    Amendment,
}

impl ResendPolicy {
    /// Whether the send belongs to a broadcast.
    #[must_use]
    pub fn is_of_broadcast(self) -> bool {
        match self {
            Self::Broadcast | Self::AtMostOnce | Self::Amendment => true,
            Self::Idempotent | Self::Ack | Self::Answer => false,
        }
    }

    /// Whether each attempt may show a copy; after an ambiguous one the job then never ends as FAILED or EXPIRED.
    #[must_use]
    pub fn is_visible(self) -> bool {
        match self {
            Self::Ack | Self::Answer | Self::Broadcast | Self::AtMostOnce => true,
            Self::Idempotent | Self::Amendment => false,
        }
    }

    /// Returns when an attempt that started at `started_at` and was ambiguous may be repeated; `jitter`, below a million,
    /// is random.
    ///
    /// An outage lasts longer than a moment: a repeat within it would be ambiguous too, and there is no second one. An ack
    /// is repeated within the 15 s that the channel gives it, the others later.
    #[must_use]
    pub fn not_before(self, started_at: Timestamp, jitter: u64) -> Timestamp {
        let (least, spread) = match self {
            Self::Idempotent | Self::Amendment => return started_at,
            Self::Ack => (8_000, 0),
            Self::Answer => (30_000, 30_000),
            Self::Broadcast | Self::AtMostOnce => (120_000, 180_000),
        };
        let spread = spread * jitter.min(JITTER) / JITTER;
        started_at.checked_add(Duration::from_millis(least + spread)).unwrap_or(started_at)
    }

    fn allows_resend(self, loss: Ambiguity, resends: u32) -> bool {
        match (self, loss) {
            (Self::Idempotent | Self::Amendment, _) => true,
            (Self::Ack | Self::Answer, Ambiguity::LostReply | Ambiguity::GatewayError)
            | (Self::Broadcast, Ambiguity::GatewayError) => resends < 1,
            (Self::Broadcast, Ambiguity::LostReply)
            | (Self::AtMostOnce, Ambiguity::LostReply | Ambiguity::GatewayError) => false,
        }
    }
}

/// Request to claim a job.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Token of the claim; unique.
    pub owner: String,
    /// Current time.
    pub now: Timestamp,
    /// Duration of the lease; exceeds the longest attempt.
    pub lease: Duration,
    /// Expiry of a job that has no record yet.
    pub expires_at: Timestamp,
    /// Limit of repeated attempts.
    pub policy: ResendPolicy,
}

/// Result of [`claim`].
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The requester holds the lease once this record is written.
    Acquired(Job),
    /// The state is final already.
    Completed(Job),
    /// Another owner holds the lease, or it is too early to repeat an ambiguous attempt; the message is not acknowledged
    /// and is received again.
    Held {
        /// End of that lease, or time of that repeat.
        until: Timestamp,
    },
    /// The job ends once this record is written: it expired or must not be repeated.
    GaveUp(Job),
}

/// Claims the job `id`, given its record.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use herald::jobs::{Claim, ClaimRequest, JobId, ResendPolicy, claim};
/// use jiff::Timestamp;
///
/// let id: JobId = "0".repeat(64).parse()?;
/// let now: Timestamp = "2026-11-23T09:00:00Z".parse()?;
/// let request = |owner: &str| ClaimRequest {
///     owner: owner.to_owned(),
///     now,
///     lease: Duration::from_secs(20),
///     expires_at: now + Duration::from_secs(3_600),
///     policy: ResendPolicy::Answer,
/// };
///
/// let Claim::Acquired(job) = claim(None, &id, &request("a")) else { panic!("the job is new") };
/// let until = job.lease_until;
/// assert_eq!(claim(Some(job), &id, &request("b")), Claim::Held { until });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn claim(record: Option<Job>, id: &JobId, request: &ClaimRequest) -> Claim {
    let now = request.now;
    let Some(job) = record else {
        let job = Job {
            id: id.clone(),
            revision: 0,
            state: State::Sending,
            owner: request.owner.clone(),
            lease_until: lease_end(request),
            not_before: None,
            attempts: 1,
            resends: 0,
            plan: None,
            inline_send: None,
            activity_id: None,
            stream: None,
            next: None,
            waits_for: None,
            resumed_by: None,
            history: Vec::new(),
            expires_at: request.expires_at,
        };
        if now >= request.expires_at {
            return Claim::GaveUp(completed(job, State::Expired, now, Some(FailureKind::Expired.into())));
        }
        return Claim::Acquired(job.transition(State::Sending, now, None));
    };
    if job.state.is_settled() {
        return Claim::Completed(job);
    }
    let is_abandoned = job.state == State::Sending && job.owner != request.owner;
    if is_abandoned && now < job.lease_until {
        return Claim::Held { until: job.lease_until };
    }
    if let Some(until) = job.not_before.filter(|until| job.state == State::Retry && now < *until) {
        return Claim::Held { until };
    }
    if job.state == State::Sending && job.owner == request.owner {
        // The SDK repeated this claim's write after its reply was lost.
        return Claim::Acquired(job);
    }
    if is_abandoned && !request.policy.allows_resend(Ambiguity::LostReply, job.resends) {
        return Claim::GaveUp(completed(job, State::Unknown, now, Some(FailureKind::SenderDied.into())));
    }
    if now >= job.expires_at {
        let is_abandoned_send = is_abandoned && request.policy.is_visible();
        let is_ambiguous = is_abandoned_send || job.may_have_been_delivered(request.policy);
        let (state, failure) = match is_ambiguous {
            true => (State::Unknown, Failure::new(FailureKind::NotRepeatedInTime)),
            false => (State::Expired, Failure::new(FailureKind::Expired)),
        };
        return Claim::GaveUp(completed(job.abandon_send(state, now, &failure), state, now, Some(failure)));
    }
    let claimed = Job {
        owner: request.owner.clone(),
        lease_until: lease_end(request),
        not_before: None,
        attempts: job.attempts.saturating_add(1),
        resends: job.resends.saturating_add(u32::from(is_abandoned)),
        ..job
    };
    let failure = is_abandoned.then(|| FailureKind::WorkerDied.into());
    Claim::Acquired(claimed.transition(State::Sending, now, failure))
}

/// Result of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// Done; with the activity id if the channel assigned one.
    Sent(Option<ActivityId>),
    /// Not done, for this reason; will be retried.
    Retryable(Failure),
    /// Possibly done.
    Ambiguous {
        /// Why the outcome is unknown.
        loss: Ambiguity,
        /// When it may be repeated: [`ResendPolicy::not_before`].
        not_before: Timestamp,
    },
    /// Rejected, for this reason; an earlier attempt may have been done.
    Rejected(Failure),
    /// The job ends in the state of one of its parts, with its failure.
    SameAsPart(State, Option<Failure>),
}

/// Returns the record of the claimed `job` after `attempt`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use herald::jobs::{Attempt, Claim, ClaimRequest, FailureKind, JobId, ResendPolicy, State, claim, finish};
/// use jiff::Timestamp;
///
/// let id: JobId = "0".repeat(64).parse()?;
/// let now: Timestamp = "2026-11-23T09:00:00Z".parse()?;
/// let request = ClaimRequest {
///     owner: "a".to_owned(),
///     now,
///     lease: Duration::from_secs(20),
///     expires_at: now + Duration::from_secs(3_600),
///     policy: ResendPolicy::Answer,
/// };
/// let Claim::Acquired(job) = claim(None, &id, &request) else { panic!("the job is new") };
///
/// let throttled = Attempt::Retryable(FailureKind::Throttled.into());
/// assert_eq!(finish(job.clone(), throttled, ResendPolicy::Answer, now).state, State::Retry);
/// assert_eq!(finish(job, Attempt::Sent(None), ResendPolicy::Answer, now).state, State::Sent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn finish(job: Job, attempt: Attempt, policy: ResendPolicy, now: Timestamp) -> Job {
    match attempt {
        Attempt::Sent(activity_id) => Job { activity_id, ..completed(job, State::Sent, now, None) },
        Attempt::Retryable(failure) => job.transition(State::Retry, now, Some(failure)),
        Attempt::Ambiguous { loss, not_before } if policy.allows_resend(loss, job.resends) => {
            let resends = job.resends.saturating_add(1);
            Job { resends, not_before: Some(not_before), ..job }.transition(
                State::Retry,
                now,
                Some(FailureKind::from(loss).into()),
            )
        }
        Attempt::Ambiguous { loss, .. } => {
            completed(job, State::Unknown, now, Some(FailureKind::from(loss).into()))
        }
        Attempt::Rejected(failure) => {
            let is_ambiguous = job.may_have_been_delivered(policy);
            let failed = completed(job, State::Failed, now, Some(failure));
            match is_ambiguous {
                true => failed.transition(State::Unknown, now, Some(FailureKind::EarlierAttempt.into())),
                false => failed,
            }
        }
        Attempt::SameAsPart(state, failure) => completed(job, state, now, failure),
    }
}

/// Returns the record in a final state, without the plan of the engine and the data of a signal.
pub(super) fn completed(job: Job, state: State, now: Timestamp, failure: Option<Failure>) -> Job {
    let resumed_by = job.resumed_by.map(ResumedBy::without_data);
    Job { plan: None, stream: None, not_before: None, resumed_by, ..job }.transition(state, now, failure)
}

fn lease_end(request: &ClaimRequest) -> Timestamp {
    request.now.checked_add(request.lease).unwrap_or(Timestamp::MAX)
}
