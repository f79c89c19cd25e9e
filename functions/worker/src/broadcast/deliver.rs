//! Deliveries: the content of a broadcast or notification, sent to one recipient after the other under a claim each.
//! The recipients were chosen by `proactive`.

use std::collections::BTreeMap;
use std::time::Duration;

use herald::agent::{Notification, Recipient};
use herald::aws::queue::{DeliveriesWork, Delivery};
use herald::broadcast::{BroadcastId, Spec};
use herald::jobs::{Attempt, Failure, FailureKind, Job, Plan, ResendPolicy, finish};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ActivityId, TenantId};
use jiff::Timestamp;

use super::preplan::{Contents, policy_of};
use super::status::{ActiveCheck, Broadcasts};
use crate::MessageContext;
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::job::plan::JobPlan;
use crate::retry::RetryIn;
use crate::sending::amend::{amendment_for, apply_amendment};
use crate::sending::create_conversation::{Conversations, NoConversation, Postponed};
use crate::sending::send::Sender;
use crate::sending::send_plan::{PlanSender, SendOutcome};
use crate::sending::target::{Route, Target};

/// Results of the deliveries of a message.
pub(crate) struct DeliveryResults {
    /// Whether all of those that were started are completed.
    pub(crate) done: Result<(), RetryIn>,
    /// Records of those that were started, in their order, where their state is known.
    pub(crate) records: Vec<Option<Job>>,
}

/// Makes deliveries.
#[derive(Clone)]
pub(crate) struct Deliverer {
    pub(crate) jobs: Jobs,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) contents: Contents,
    pub(crate) conversations: Conversations,
    pub(crate) plans: PlanSender,
    pub(crate) sender: Sender,
}

impl Deliverer {
    /// Makes `deliveries` one after the other, as long as the broadcast is running.
    pub(crate) async fn deliver_all(
        &self,
        work: &DeliveriesWork,
        broadcast: Option<&BroadcastId>,
        deliveries: &[Delivery],
        context: MessageContext,
    ) -> DeliveryResults {
        let mut results = DeliveryResults { done: Ok(()), records: Vec::new() };
        let starts = match self.reserve_start_times(deliveries).await {
            Ok(starts) => starts,
            Err(retry) => return DeliveryResults { done: Err(retry), ..results },
        };
        for (delivery, start) in deliveries.iter().zip(starts) {
            if context.deadline.is_some_and(|at| self.jobs.clock.now() >= at) {
                return DeliveryResults { done: Err(RetryIn::after(Duration::from_secs(1))), ..results };
            }
            self.sender.limits.sleep_until(start).await;
            let spec = match self.broadcasts.check_active(broadcast).await {
                Ok(ActiveCheck::Active(spec)) => spec,
                // The rest of the message is partitioned again.
                Ok(ActiveCheck::Inactive) => {
                    return DeliveryResults { done: Err(RetryIn::after(Duration::ZERO)), ..results };
                }
                Err(retry) => return DeliveryResults { done: Err(retry), ..results },
            };
            match self.deliver(&work.notification, spec.as_deref(), delivery, context).await {
                Ok(record) => results.records.push(record),
                // A recipient who has to wait does not delay the others.
                Err(retry) => {
                    results.records.push(None);
                    results.done = Err(results.done.err().map_or(retry, |other| other.longer(retry)));
                }
            }
        }
        results
    }

    /// Returns when each delivery may go out by the rate of its tenant, with one reservation for each tenant.
    async fn reserve_start_times(&self, deliveries: &[Delivery]) -> Result<Vec<Timestamp>, RetryIn> {
        let mut requests: BTreeMap<&TenantId, usize> = BTreeMap::new();
        for delivery in deliveries {
            if let Some(tenant) = delivery.recipient.tenant() {
                *requests.entry(tenant).or_default() += delivery.recipient.requests();
            }
        }
        let mut reserved = BTreeMap::new();
        for (tenant, count) in requests {
            reserved.insert(tenant, self.sender.limits.reserve_tenant(tenant, count).await?.into_iter());
        }
        let now = self.jobs.clock.now();
        let start = |delivery: &Delivery| {
            let starts = delivery.recipient.tenant().and_then(|tenant| reserved.get_mut(tenant));
            starts.and_then(|starts| starts.nth(delivery.recipient.requests() - 1)).unwrap_or(now)
        };
        Ok(deliveries.iter().map(start).collect())
    }

    /// Makes one delivery; returns its record where its state is known.
    async fn deliver(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &Delivery,
        context: MessageContext,
    ) -> Result<Option<Job>, RetryIn> {
        if let Some((plan, route)) =
            self.contents.plan_before_claim(notification, spec, delivery, context).await
        {
            return self.plans.claim_and_send(&delivery.job, &plan, route, context).await;
        }
        let job = match self.jobs.claim(&delivery.job, ResendPolicy::Idempotent, context).await? {
            Claimed::Acquired(job) => job,
            Claimed::Completed(job) => return Ok(Some(job)),
        };
        let delivered = self.deliver_claimed(notification, spec, delivery, job.clone());
        self.jobs.with_lease(&job, context, Box::pin(delivered)).await.map(|()| None)
    }

    async fn deliver_claimed(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &Delivery,
        job: Job,
    ) -> Result<(), RetryIn> {
        let recipient = &delivery.recipient;
        match amendment_for(spec, delivery) {
            Some(Ok(change)) => {
                return match self.delivered_to(recipient, delivery.activity.as_ref(), &job).await {
                    Ok(reference) => {
                        let carried_out = apply_amendment(&self.sender, &job, &reference, change).await;
                        self.jobs.complete(job, carried_out).await
                    }
                    Err(cause) => self.end_without_conversation(job, cause).await,
                };
            }
            Some(Err(failure)) => return self.fail(job, failure).await,
            None => {}
        }
        let content = Box::pin(self.contents.content_for(notification, spec, delivery));
        let plan = JobPlan::replay_or_decide(&self.jobs, job, None, content).await?;
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
            return self.conversations.find_or_create(&person, job).await;
        }
        match self.conversations.create_dedicated(&person, job).await {
            // The channel has no such threads for this person.
            Err(NoConversation::Unreachable(_)) => self.conversations.find_or_create(&person, job).await,
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
            Recipient::User(user) => self.conversations.find_or_create(user, job).await,
            Recipient::Channel(channel) => {
                let reference = self.conversations.thread_of(channel, shown);
                reference.ok_or_else(|| NoConversation::Unreachable(FailureKind::NoAgentAccount.into()))
            }
        }
    }
}
