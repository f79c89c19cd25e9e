//! One send: claimed just before its request, recorded just after.
//! That order bounds the copies a user can see; see [`ResendPolicy`].

use std::time::Duration;

use herald::clock::{elapsed_ms, timeout};
use herald::error::error_chain;
use herald::jobs::{Attempt, Failure, FailureKind, JITTER, Job, JobId, Part, ResendPolicy, State, finish};
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{Ambiguity, ConnectorError, ReferenceChange, RejectionReason, Retry};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;
use tracing::{error, info, warn};

use super::fallback::Channel;
use super::rate_limit::RateLimiter;
use super::target::Route;
use crate::MessageContext;
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::retry::RetryIn;

/// Longest time of the request that shows whether the channel answers again.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends activities, each under a claim of its own.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) channel: Channel,
    pub(crate) jobs: Jobs,
    pub(crate) limits: RateLimiter,
}

impl Sender {
    /// Sends all `activities` in order, each under a claim of its own.
    pub(crate) async fn send_all(
        &self,
        job: &JobId,
        route: Route<'_>,
        activities: &[Activity],
    ) -> Result<SendResults, RetryIn> {
        let mut results = SendResults::default();
        let starts = self.limits.reserve_conversation(route, activities.len()).await?;
        for (index, (activity, start)) in activities.iter().zip(starts).enumerate() {
            self.limits.sleep_until(start).await;
            results.add(&Box::pin(self.send(&job.part(Part::Send, index), route, activity)).await?);
        }
        Ok(results)
    }

    /// Sends one activity under a claim of its own.
    ///
    /// ```text
    /// claim ──► request ──► record        crash before the request: repeated, shown once
    ///       ▲          ▲                  crash after it: repeated within the budget, or UNKNOWN
    /// ```
    async fn send(&self, id: &JobId, route: Route<'_>, activity: &Activity) -> Result<Job, RetryIn> {
        let request = Box::pin(self.channel.send_with_recovery(route.target, activity));
        self.attempt(id, route.target.reference(), route.policy, request).await
    }

    /// Sends `activity`, the only one of its plan, within the time of its route. A request that takes longer may have
    /// shown it.
    pub(crate) async fn send_in_time(
        &self,
        route: Route<'_>,
        activity: &Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let Some(limit) = route.timeout else {
            return Box::pin(self.channel.send_with_recovery(route.target, activity)).await;
        };
        let channel = self.channel.with_time_limit(limit);
        let request = Box::pin(channel.send_with_recovery(route.target, activity));
        let sent = timeout(self.jobs.clock.as_ref(), limit, request).await;
        sent.unwrap_or_else(|| Err(late()))
    }

    /// Claims `id`, makes the `request`, and records its result.
    pub(crate) async fn attempt(
        &self,
        id: &JobId,
        reference: &ConversationReference,
        policy: ResendPolicy,
        request: impl Future<Output = Result<Option<ActivityId>, ConnectorError>>,
    ) -> Result<Job, RetryIn> {
        let job = match self.jobs.claim(id, policy, MessageContext::default()).await? {
            Claimed::Acquired(job) => job,
            Claimed::Completed(job) => return Ok(job),
        };
        let request = self.request(&job, reference, policy, request);
        let (attempt, retry) = self.jobs.with_lease(&job, MessageContext::default(), request).await;
        let job = self.jobs.record(finish(job, attempt, policy, self.jobs.clock.now())).await?;
        if job.state == State::Retry { Err(retry) } else { Ok(job) }
    }

    /// Makes the `request` that is claimed as `job`; returns the attempt, and when it is retried if it has to be.
    ///
    /// A request that repeats an ambiguous one is not made while the channel is down: there is no second repeat.
    pub(crate) async fn request(
        &self,
        job: &Job,
        reference: &ConversationReference,
        policy: ResendPolicy,
        request: impl Future<Output = Result<Option<ActivityId>, ConnectorError>>,
    ) -> (Attempt, RetryIn) {
        let is_repeat = job.resends > 0 && policy.is_visible();
        if is_repeat && !self.is_available(reference).await {
            warn!(job.id = job.id.as_str(), "will repeat a send once the channel is available");
            let down = Attempt::Retryable(FailureKind::ChannelUnavailable.into());
            return (down, RetryIn::backoff(job.attempts, &self.jobs.random));
        }
        let started_at = self.jobs.clock.now();
        let sent = request.await;
        let duration_ms = elapsed_ms(self.jobs.clock.as_ref(), started_at);
        let mut retry = RetryIn::backoff(job.attempts, &self.jobs.random);
        let attempt = match sent {
            Ok(activity_id) => {
                info!(job.id = job.id.as_str(), duration_ms, "sent an activity");
                Attempt::Sent(activity_id)
            }
            Err(error) => {
                log_failure(&error, &job.id);
                self.limits.pause_tenant(&error, reference.tenant_id.as_ref()).await;
                match error.retry() {
                    // A systemic failure fails no recipient; the circuit breaker of the broadcast counts it.
                    after if policy.is_of_broadcast() && error.is_systemic() => {
                        if let Retry::After(wait) = after {
                            retry.wait = wait;
                        }
                        Attempt::Retryable(Failure::from(&error))
                    }
                    Retry::After(wait) => {
                        retry.wait = wait;
                        Attempt::Retryable(Failure::from(&error))
                    }
                    Retry::Backoff => Attempt::Retryable(Failure::from(&error)),
                    Retry::WithinResendBudget(loss) => {
                        let not_before = policy.not_before(started_at, self.jobs.random.below(JITTER));
                        if policy.is_visible() {
                            retry = RetryIn::after_lease(not_before, self.jobs.clock.now());
                        }
                        Attempt::Ambiguous { loss, not_before }
                    }
                    Retry::Never => Attempt::Rejected(Failure::from(&error)),
                }
            }
        };
        (attempt, retry)
    }
}

impl Sender {
    /// Whether the channel answers a request that shows nothing.
    async fn is_available(&self, reference: &ConversationReference) -> bool {
        let request = Box::pin(self.channel.connector.is_available(reference));
        timeout(self.jobs.clock.as_ref(), PROBE_TIMEOUT, request).await.unwrap_or(false)
    }
}

/// Returns the error of a request whose time is over: it may have been carried out.
fn late() -> ConnectorError {
    let cause = "the request had no more time before the answer would be late".into();
    ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause }
}

/// Logs why a send failed: as an error what an operator has to look at.
fn log_failure(error: &ConnectorError, id: &JobId) {
    let (cause, job) = (error_chain(error), id.as_str());
    let effect = error.rejection().map_or(ReferenceChange::Kept, RejectionReason::reference_change);
    match (error.retry(), effect) {
        _ if matches!(error, ConnectorError::Unauthorized { .. }) => {
            error!(error = %cause, job.id = job, "will retry a send: the channel rejects the agent's token");
        }
        (Retry::After(_) | Retry::Backoff, _) => warn!(error = %cause, job.id = job, "will retry a send"),
        (Retry::Never, ReferenceChange::Suspended | ReferenceChange::Dropped) => {
            warn!(error = %cause, job.id = job, "send failed permanently: conversation suspended");
        }
        (Retry::WithinResendBudget(_), _)
        | (
            Retry::Never,
            ReferenceChange::Kept | ReferenceChange::Suspect | ReferenceChange::SuspendedOnRepeat,
        ) => {
            error!(error = %cause, job.id = job, "a send failed");
        }
    }
}
