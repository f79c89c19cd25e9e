//! Deliveries: the content of a broadcast or notification, sent to one recipient after the other under a claim each.
//! The recipients were chosen by `proactive`.

use std::time::Duration;

use herald::agent::{Notification, Recipient};
use herald::aws::queue::{DeliveriesWork, Delivery};
use herald::aws::table::Reported;
use herald::broadcast::{BroadcastId, Spec};
use herald::jobs::{Attempt, Failure, FailureKind, Job, Plan, ResendPolicy, State, finish};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ActivityId, TenantId};
use jiff::Timestamp;

use super::preplan::{Contents, Preplan, is_rendered, policy_of};
use super::report::Reports;
use super::status::{ActiveCheck, Broadcasts};
use crate::MessageContext;
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::job::plan::{JobPlan, normalize_messages};
use crate::retry::RetryIn;
use crate::sending::MAX_WAIT_FIFO;
use crate::sending::amend::{Amendment, amendment_for, apply_amendment};
use crate::sending::create_conversation::{Conversations, NoConversation, Postponed};
use crate::sending::send_plan::{PlanSender, SendOutcome};
use crate::sending::target::{Route, Target};

/// Results of the deliveries of a message.
pub(crate) struct DeliveryResults {
    /// Whether all of them are completed.
    pub(crate) done: Result<(), Unfinished>,
    /// What those that were started became.
    pub(crate) reported: Vec<Reported>,
    /// Those that are not completed, in their order.
    pub(crate) left: Vec<Delivery>,
}

/// How the deliveries that are left go on.
pub(crate) enum Unfinished {
    /// With their message, which is retried.
    Retry(RetryIn),
    /// In a message of their own, at their slot, which is reserved for them.
    Slot(Timestamp),
    /// By another decision: the broadcast was paused or ended meanwhile.
    Inactive,
}

/// Makes deliveries.
#[derive(Clone)]
pub(crate) struct Deliverer {
    pub(crate) jobs: Jobs,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) contents: Contents,
    pub(crate) conversations: Conversations,
    pub(crate) plans: PlanSender,
    pub(crate) reports: Reports,
}

/// One delivery, with the spec of its broadcast.
#[derive(Clone, Copy)]
struct Content<'a> {
    notification: &'a Notification,
    spec: Option<&'a Spec>,
    delivery: &'a Delivery,
}

impl Deliverer {
    /// Makes `deliveries` of one tenant one after the other, as long as the broadcast is running and the tenant is not
    /// paused.
    pub(crate) async fn deliver_all(
        &self,
        work: &DeliveriesWork,
        deliveries: &[Delivery],
        context: MessageContext,
    ) -> DeliveryResults {
        let mut results = DeliveryResults { done: Ok(()), reported: Vec::new(), left: Vec::new() };
        let starts = match self.start_times(deliveries, work.slot).await {
            Ok(starts) => starts,
            Err(retry) => return results.unfinished(Unfinished::Retry(retry), deliveries),
        };
        let now = self.jobs.clock.now();
        if let Some(slot) = starts.first().filter(|slot| is_beyond_wait(**slot, now)) {
            return results.unfinished(Unfinished::Slot(*slot), deliveries);
        }
        let mut retry: Option<RetryIn> = None;
        for (index, (delivery, start)) in deliveries.iter().zip(starts).enumerate() {
            let rest = deliveries.get(index..).unwrap_or_default();
            if context.deadline.is_some_and(|at| self.jobs.clock.now() >= at) {
                let next = match index {
                    0 => Unfinished::Retry(RetryIn::after(Duration::from_secs(1))),
                    _ => Unfinished::Slot(start),
                };
                return results.unfinished(next, rest);
            }
            self.plans.sender.limits.sleep_until(start).await;
            if self.is_paused(delivery) {
                return self.reserve_rest(results, rest).await;
            }
            let spec = match self.broadcasts.check_active(work.broadcast.as_ref()).await {
                Ok(ActiveCheck::Active(spec)) => spec,
                // The rest of the message is partitioned again.
                Ok(ActiveCheck::Inactive) => return results.unfinished(Unfinished::Inactive, rest),
                Err(retry) => return results.unfinished(Unfinished::Retry(retry), rest),
            };
            let content = Content { notification: &work.notification, spec: spec.as_deref(), delivery };
            let scoped = self.with_record_of(work.broadcast.as_ref(), content);
            let delivered = Box::pin(scoped.deliver(content, context)).await;
            results.reported.extend(scoped.jobs.store.reported());
            if let Err(later) = delivered {
                results.left.push(delivery.clone());
                if self.is_paused(delivery) {
                    return self.reserve_rest(results, rest.get(1..).unwrap_or_default()).await;
                }
                // A recipient who has to wait does not delay the others.
                retry = Some(retry.map_or(later, |other| other.longer(later)));
            }
        }
        match retry {
            Some(retry) => results.unfinished(Unfinished::Retry(retry), &[]),
            None => results,
        }
    }

    /// Returns the results after the tenant was paused: what is left waits for slots after the pause.
    async fn reserve_rest(&self, results: DeliveryResults, rest: &[Delivery]) -> DeliveryResults {
        let left = [&results.left, rest].concat();
        let unfinished = match self.start_times(&left, None).await {
            Ok(starts) => Unfinished::Slot(starts.first().copied().unwrap_or_else(|| self.jobs.clock.now())),
            Err(retry) => Unfinished::Retry(retry),
        };
        results.unfinished(unfinished, rest)
    }

    fn is_paused(&self, delivery: &Delivery) -> bool {
        self.plans.sender.limits.is_paused(delivery.recipient.tenant())
    }

    /// Returns when each delivery may go out by the rate of their tenant, with one reservation for all; from `slot` on where
    /// one was made.
    async fn start_times(
        &self,
        deliveries: &[Delivery],
        slot: Option<Timestamp>,
    ) -> Result<Vec<Timestamp>, RetryIn> {
        let now = self.jobs.clock.now();
        let tenant = deliveries.iter().find_map(|delivery| delivery.recipient.tenant());
        let Some(tenant): Option<&TenantId> = tenant else { return Ok(vec![now; deliveries.len()]) };
        let count = deliveries.iter().map(|delivery| delivery.recipient.requests()).sum();
        let mut reserved = self.plans.sender.limits.keep_or_reserve(tenant, count, slot).await?.into_iter();
        let start = |delivery: &Delivery| reserved.nth(delivery.recipient.requests() - 1).unwrap_or(now);
        Ok(deliveries.iter().map(start).collect())
    }

    /// Returns the deliverer for one delivery, which writes its record in the report of `broadcast`.
    fn with_record_of(&self, broadcast: Option<&BroadcastId>, content: Content<'_>) -> Self {
        let Some(id) = broadcast else { return self.clone() };
        let jobs = self.jobs.of_delivery(self.reports.record_of(id, content.spec, content.delivery));
        Self { plans: self.plans.with_jobs(&jobs), jobs, ..self.clone() }
    }

    /// Makes one delivery.
    async fn deliver(&self, content: Content<'_>, context: MessageContext) -> Result<(), RetryIn> {
        let Content { notification, spec, delivery } = content;
        if let Some(change) = amendment_for(spec, delivery) {
            return self.amend(content, change, context).await;
        }
        let preplan = self.contents.plan_before_claim(notification, spec, delivery, context);
        let without_conversation = match Box::pin(preplan).await {
            Preplan::Planned(plan, reference) => {
                let route = Route::new(Target::Conversation(&reference), policy_of(notification));
                return self.plans.claim_and_send(&delivery.job, &plan, route, context).await.map(drop);
            }
            Preplan::NoConversation(cause) => Some(cause),
            Preplan::UnderClaim => None,
        };
        let Some(job) = self.claim(delivery, ResendPolicy::Idempotent, context).await? else { return Ok(()) };
        if let Some(cause) = without_conversation {
            return self.end_without_conversation(job, cause).await;
        }
        let delivered = self.deliver_claimed(content, job.clone());
        self.jobs.with_lease(&job, context, Box::pin(delivered)).await
    }

    /// Claims a delivery; `None` where it is completed.
    async fn claim(
        &self,
        delivery: &Delivery,
        policy: ResendPolicy,
        context: MessageContext,
    ) -> Result<Option<Job>, RetryIn> {
        match self.jobs.claim(&delivery.job, policy, context).await? {
            Claimed::Acquired(job) => Ok(Some(job)),
            Claimed::Completed(_) => Ok(None),
        }
    }

    /// Changes what an earlier delivery showed.
    async fn amend(
        &self,
        content: Content<'_>,
        change: Result<Amendment, Failure>,
        context: MessageContext,
    ) -> Result<(), RetryIn> {
        let (delivery, policy) = (content.delivery, ResendPolicy::Amendment);
        let Some(job) = self.claim(delivery, policy, context).await? else { return Ok(()) };
        let change = match change {
            Ok(change) => change,
            Err(failure) => return self.fail(job, failure).await,
        };
        let amended = async {
            let shown = delivery.activity.as_ref();
            let reference = self.delivered_to(&delivery.recipient, shown, &job).await?;
            Ok(apply_amendment(&self.plans.sender, &job, &reference, change).await)
        };
        let (attempt, retry) = match self.jobs.with_lease(&job, context, Box::pin(amended)).await {
            Ok(amended) => amended,
            Err(cause) => return self.end_without_conversation(job, cause).await,
        };
        let job = self.jobs.record(finish(job, attempt, policy, self.jobs.clock.now())).await?;
        if job.state == State::Retry { Err(retry) } else { Ok(()) }
    }

    async fn deliver_claimed(&self, content: Content<'_>, job: Job) -> Result<(), RetryIn> {
        let Content { notification, delivery, .. } = content;
        let recipient = &delivery.recipient;
        let plan = Box::pin(self.plan_claimed(content, job)).await?;
        if plan.job.plan.as_ref().is_none_or(Plan::is_empty) {
            return self.jobs.complete(plan.job, Ok(SendResults::default())).await;
        }
        let plan = match self.conversations.is_known(recipient, notification) {
            true => plan,
            // Persisted first, for finding or creating the conversation takes a while.
            false => JobPlan { job: plan.persist(&self.jobs).await?, is_persisted: true },
        };
        let reference = match self.reference_for(recipient, notification, &plan.job).await {
            Ok(reference) => reference,
            Err(cause) => return self.end_without_conversation(plan.job, cause).await,
        };
        let target = match recipient {
            Recipient::Conversation { .. } | Recipient::User(_) => Target::Conversation(&reference),
            Recipient::Channel(channel) => Target::NewThread(channel, &reference),
        };
        let route = Route::new(target, policy_of(notification));
        match self.plans.send_plan(plan, route).await? {
            SendOutcome::Completed(_) => Ok(()),
            SendOutcome::InProgress(job, carried_out) => self.jobs.complete(*job, carried_out).await,
        }
    }

    /// Returns the plan of a claimed delivery: content of the spec is rendered, an engine is called once.
    async fn plan_claimed(&self, content: Content<'_>, job: Job) -> Result<JobPlan, RetryIn> {
        let Content { notification, spec, delivery } = content;
        let decided = self.contents.content_for(notification, spec, delivery);
        if !is_rendered(spec) {
            return JobPlan::replay_or_decide(&self.jobs, job, None, Box::pin(decided)).await;
        }
        match Box::pin(decided).await {
            Ok(plan) => {
                let job = Job { plan: Some(normalize_messages(plan)), ..job };
                Ok(JobPlan { job, is_persisted: true })
            }
            Err(error) => {
                JobPlan::replay_or_decide(&self.jobs, job, None, std::future::ready(Err(error))).await
            }
        }
    }

    /// Records that a recipient without a conversation got no delivery, or that it is retried.
    async fn end_without_conversation(&self, job: Job, cause: NoConversation) -> Result<(), RetryIn> {
        match cause {
            NoConversation::Unreachable(failure) => self.fail(job, failure).await,
            NoConversation::Postponed(postponed) => self.postpone(job, postponed).await,
        }
    }

    /// Records that the delivery failed for good.
    async fn fail(&self, job: Job, failure: Failure) -> Result<(), RetryIn> {
        self.jobs
            .write(finish(job, Attempt::Rejected(failure), ResendPolicy::Idempotent, self.jobs.clock.now()))
            .await
            .map(drop)
    }

    /// Records that the delivery is retried.
    async fn postpone(&self, job: Job, Postponed { retry, failure }: Postponed) -> Result<(), RetryIn> {
        let attempt = Attempt::Retryable(failure);
        self.jobs.write(finish(job, attempt, ResendPolicy::Idempotent, self.jobs.clock.now())).await?;
        Err(retry)
    }

    /// Returns the conversation that a notification for `recipient` is sent to: for a person a personal one on the surface
    /// that notifications are for, found or created.
    async fn reference_for(
        &self,
        recipient: &Recipient,
        notification: &Notification,
        job: &Job,
    ) -> Result<ConversationReference, NoConversation> {
        let known = match recipient {
            Recipient::Conversation { reference } => Some(reference),
            Recipient::User(_) => None,
            Recipient::Channel(_) => return self.delivered_to(recipient, None, job).await,
        };
        if let Some(reference) = known.filter(|_| self.conversations.is_known(recipient, notification)) {
            return Ok(reference.clone());
        }
        let Some(person) = recipient.person() else {
            return known
                .cloned()
                .ok_or_else(|| NoConversation::Unreachable(FailureKind::NoAgentAccount.into()));
        };
        if !notification.dedicated_thread {
            return self.conversations.find_or_create(&person, &job.id).await;
        }
        match self.conversations.create_dedicated(&person, &job.id).await {
            // The channel has no such threads for this person.
            Err(NoConversation::Unreachable(_)) => self.conversations.find_or_create(&person, &job.id).await,
            created => created,
        }
    }

    /// Returns the conversation of `recipient` that a message was delivered to; in a channel, the thread that begins with
    /// `shown`.
    async fn delivered_to(
        &self,
        recipient: &Recipient,
        shown: Option<&ActivityId>,
        job: &Job,
    ) -> Result<ConversationReference, NoConversation> {
        match recipient {
            Recipient::Conversation { reference } => Ok(reference.clone()),
            Recipient::User(user) => self.conversations.find_or_create(user, &job.id).await,
            Recipient::Channel(channel) => {
                let reference = self.conversations.thread_of(channel, shown);
                reference.ok_or_else(|| NoConversation::Unreachable(FailureKind::NoAgentAccount.into()))
            }
        }
    }
}

impl DeliveryResults {
    fn unfinished(mut self, unfinished: Unfinished, rest: &[Delivery]) -> Self {
        self.left.extend_from_slice(rest);
        Self { done: Err(unfinished), ..self }
    }
}

/// Whether a message waits for its slot in the queue, not in the worker.
fn is_beyond_wait(slot: Timestamp, now: Timestamp) -> bool {
    now.checked_add(MAX_WAIT_FIFO).is_ok_and(|latest| slot > latest)
}
