//! One send: claimed for itself just before its request, recorded just after.
//! The order is what bounds the copies a user can see; see the ledger's policy.

use herald::agent::Turn;
use std::time::Duration;

use herald::error::error_chain;
use herald::jobs::{Attempt, Failure, Job, JobId, ResendPolicy, State, finish};
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, ReferenceChange, RejectionReason, Retry};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;
use herald::protocol::team::TeamChannel;
use tracing::{error, info, warn};

use crate::job::{Parts, Wanted};
use crate::{Later, Worker};

/// How often recording is tried again, and how long between: within the claim's lease.
const RECORD_TRIES: usize = 4;
const RECORD_PAUSE: Duration = Duration::from_secs(2);

/// Where an activity goes.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// Into the conversation, as an answer to this turn.
    Answer(&'a Turn),
    /// Into the conversation.
    Conversation(&'a ConversationReference),
    /// Into a new thread of the channel, which this refers to.
    NewThread(&'a TeamChannel, &'a ConversationReference),
}

impl Target<'_> {
    pub(crate) fn reference(&self) -> &ConversationReference {
        match self {
            Self::Answer(turn) => &turn.reference,
            Self::Conversation(reference) | Self::NewThread(_, reference) => reference,
        }
    }
}

/// How sends go out.
#[derive(Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) target: Target<'a>,
    /// How often each may be repeated.
    pub(crate) policy: ResendPolicy,
    /// Whether other work waits behind them.
    pub(crate) in_order: bool,
}

impl<'a> Route<'a> {
    /// For an answer that nothing waits behind.
    pub(crate) fn follow_up(reference: &'a ConversationReference) -> Self {
        Self { target: Target::Conversation(reference), policy: ResendPolicy::Answer, in_order: false }
    }
}

impl Worker {
    /// Sends all of `activities`, each once as far as that can be had.
    pub(crate) async fn send_all(
        &self,
        job: &JobId,
        route: Route<'_>,
        activities: &[Activity],
    ) -> Result<Parts, Later> {
        let mut parts = Parts::default();
        let starts = self.turns_in(route.target.reference(), activities.len(), route.in_order).await?;
        for (index, (activity, start)) in activities.iter().zip(starts).enumerate() {
            self.wait_for_turn(start).await;
            parts.add(&Box::pin(self.send(&job.step("send", index), route, activity)).await?);
        }
        Ok(parts)
    }

    /// ```text
    /// claim ──► request ──► record        died before the request: repeated, shown once
    ///       ▲          ▲                  died after it: repeated within the budget, or UNKNOWN
    /// ```
    async fn send(&self, id: &JobId, route: Route<'_>, activity: &Activity) -> Result<Job, Later> {
        let request = self.say(route.target, activity);
        self.attempt(id, route.target.reference(), route.policy, request).await
    }

    /// Claims `id`, makes the `request`, and records what it came to.
    pub(crate) async fn attempt(
        &self,
        id: &JobId,
        reference: &ConversationReference,
        policy: ResendPolicy,
        request: impl Future<Output = Result<Option<ActivityId>, ConnectorError>>,
    ) -> Result<Job, Later> {
        let job = match self.claim(id, policy).await? {
            Wanted::InHand(job) => job,
            Wanted::Settled(job) => return Ok(job),
        };
        let (attempt, later) = self.holding(&job, self.request(&job, reference, policy, request)).await;
        let job = self.record(finish(job, attempt, policy, self.clock.now())).await?;
        if job.state == State::Retry { Err(later) } else { Ok(job) }
    }

    /// Makes the `request` that is claimed as `job`: what it came to, and when to come back if that is not the end.
    pub(crate) async fn request(
        &self,
        job: &Job,
        reference: &ConversationReference,
        policy: ResendPolicy,
        request: impl Future<Output = Result<Option<ActivityId>, ConnectorError>>,
    ) -> (Attempt, Later) {
        let begun = self.clock.now();
        let sent = request.await;
        let duration_ms = self.clock.now().duration_since(begun).as_millis();
        let mut later = Later::backoff(job.attempts, &self.random);
        let attempt = match sent {
            Ok(activity_id) => {
                info!(job.id = job.id.as_str(), duration_ms, "sent an activity");
                Attempt::Sent(activity_id)
            }
            Err(error) => {
                note(&error, &job.id);
                self.slow_down(&error, reference.tenant_id.as_ref()).await;
                match error.retry() {
                    // It says nothing about this one: the broadcast's breaker is to notice, and nobody fails by it.
                    retry if policy.is_of_broadcast() && error.is_systemic() => {
                        if let Retry::After(wait) = retry {
                            later.wait = wait;
                        }
                        Attempt::Retryable(Failure::from(&error))
                    }
                    Retry::After(wait) => {
                        later.wait = wait;
                        Attempt::Retryable(Failure::from(&error))
                    }
                    Retry::Backoff => Attempt::Retryable(Failure::from(&error)),
                    Retry::WithinResendBudget(loss) => Attempt::Ambiguous(loss),
                    Retry::Never => Attempt::Rejected(Failure::from(&error)),
                }
            }
        };
        (attempt, later)
    }

    /// Records what a request came to. What is known must not be forgotten over a table that stumbles: forgotten,
    /// it would be sent again.
    pub(crate) async fn record(&self, job: Job) -> Result<Job, Later> {
        for _ in 0..RECORD_TRIES {
            match self.jobs.write(job.clone()).await {
                Ok(Ok(written)) => return Ok(written),
                Ok(Err(_fenced)) => break,
                Err(error) => {
                    warn!(error = %error_chain(&error), job.id = job.id.as_str(), "could not record a send yet");
                    self.clock.sleep(RECORD_PAUSE).await;
                }
            }
        }
        self.write(job).await
    }
}

/// Logs why a send failed: as an error what somebody has to look at.
fn note(error: &ConnectorError, id: &JobId) {
    let (cause, job) = (error_chain(error), id.as_str());
    let effect = error.rejection().map_or(ReferenceChange::Kept, RejectionReason::reference_change);
    match (error.retry(), effect) {
        _ if matches!(error, ConnectorError::Unauthorized { .. }) => {
            error!(error = %cause, job.id = job, "put off a send: the channel does not take the agent's token");
        }
        (Retry::After(_) | Retry::Backoff, _) => warn!(error = %cause, job.id = job, "put off a send"),
        (Retry::Never, ReferenceChange::Suspended | ReferenceChange::Dropped) => {
            warn!(error = %cause, job.id = job, "gave up a send: the conversation takes none");
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
