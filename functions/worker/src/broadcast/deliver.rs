//! Deliveries: one occasion told to one recipient after the other, each under its own claim.
//! Who they are was decided by `proactive`; what they are told, by the broadcast's content or the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use herald::agent::notification::{Occasion, Recipient};
use herald::aws::queue::{DeliveriesWork, Delivery};
use herald::broadcast::{BroadcastId, Spec};
use herald::jobs::{Attempt, Job, Plan, Policy, finish};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ActivityId, TenantId};
use jiff::Timestamp;

use crate::sending::amend::change_of;
use crate::handlers::deliveries::Still;
use crate::sending::create_conversation::{NotNow, Unreachable};
use crate::job::plan::Planned;
use crate::broadcast::preplan::policy_of;
use crate::job::lease::{Parts, Wanted};
use crate::sending::inline_send::Said;
use crate::sending::send::{Route, Target};
use crate::{Later, Place, Worker};

/// What came of the deliveries of a message.
pub(crate) struct Told {
    /// Whether all of those that were begun are settled.
    pub(crate) done: Result<(), Later>,
    /// The records of those that were begun, in their order, where it is known how they stand.
    pub(crate) records: Vec<Option<Job>>,
}

impl Worker {
    pub(crate) async fn deliveries(&self, work: DeliveriesWork, place: Place) -> Result<(), Later> {
        let Some(id) = work.broadcast.clone() else {
            return self.deliver_all(&work, None, &work.deliveries, place).await.done;
        };
        self.deliver_broadcast(&id, work, place).await
    }

    /// Delivers to those whose turn it is, one after the other, as long as the broadcast lets them be told.
    pub(crate) async fn deliver_all(
        &self,
        work: &DeliveriesWork,
        broadcast: Option<&BroadcastId>,
        deliveries: &[Delivery],
        place: Place,
    ) -> Told {
        let mut told = Told { done: Ok(()), records: Vec::new() };
        let starts = match self.starts(deliveries).await {
            Ok(starts) => starts,
            Err(later) => return Told { done: Err(later), ..told },
        };
        for (delivery, start) in deliveries.iter().zip(starts) {
            if place.stop_at.is_some_and(|at| self.clock.now() >= at) {
                return Told { done: Err(Later { wait: Duration::from_secs(1) }), ..told };
            }
            self.wait_for_turn(start).await;
            let spec = match self.still(broadcast).await {
                Ok(Still::Told(spec)) => spec,
                // The rest of the message is looked at anew: it waits, or is left out.
                Ok(Still::NotTold) => return Told { done: Err(Later { wait: Duration::ZERO }), ..told },
                Err(later) => return Told { done: Err(later), ..told },
            };
            match self.deliver(&work.occasion, spec.as_deref(), delivery, place).await {
                Ok(record) => told.records.push(record),
                // One recipient who must wait keeps nobody else waiting.
                Err(later) => {
                    told.records.push(None);
                    let longest = told.done.err().map_or(Duration::ZERO, |other| other.wait);
                    told.done = Err(Later { wait: longest.max(later.wait) });
                }
            }
        }
        told
    }

    /// When each delivery may go out, by the rate of its tenant: one reservation for all of one tenant.
    async fn starts(&self, deliveries: &[Delivery]) -> Result<Vec<Timestamp>, Later> {
        let mut wanted: BTreeMap<&TenantId, usize> = BTreeMap::new();
        for delivery in deliveries {
            if let Some(tenant) = delivery.recipient.tenant() {
                *wanted.entry(tenant).or_default() += delivery.recipient.requests();
            }
        }
        let mut reserved = BTreeMap::new();
        for (tenant, count) in wanted {
            reserved.insert(tenant, self.turns_at(tenant, count).await?.into_iter());
        }
        let now = self.clock.now();
        let start = |delivery: &Delivery| {
            let starts = delivery.recipient.tenant().and_then(|tenant| reserved.get_mut(tenant));
            starts.and_then(|starts| starts.nth(delivery.recipient.requests() - 1)).unwrap_or(now)
        };
        Ok(deliveries.iter().map(start).collect())
    }

    /// Makes one delivery; returns its record where it is known how it stands.
    async fn deliver(
        &self,
        occasion: &Occasion,
        spec: Option<&Spec>,
        delivery: &Delivery,
        place: Place,
    ) -> Result<Option<Job>, Later> {
        if let Some((plan, route)) = self.foreseen(occasion, spec, delivery, place).await {
            return self.carry_out(&delivery.job, &plan, route).await;
        }
        let job = match self.claim(&delivery.job, Policy::Work).await? {
            Wanted::InHand(job) => job,
            Wanted::Settled(job) => return Ok(Some(job)),
        };
        self.holding(&job, Box::pin(self.tell(occasion, spec, delivery, job.clone()))).await.map(|()| None)
    }

    async fn tell(
        &self,
        occasion: &Occasion,
        spec: Option<&Spec>,
        delivery: &Delivery,
        job: Job,
    ) -> Result<(), Later> {
        let recipient = &delivery.recipient;
        match change_of(spec, delivery) {
            Some(Ok(change)) => {
                return match self.reference_to(recipient, delivery.activity.as_ref(), &job).await {
                    Ok(Ok(reference)) => {
                        let carried_out = self.change(&job, &reference, change).await;
                        self.conclude(job, carried_out).await
                    }
                    Ok(Err(Unreachable(reason))) => self.refuse(job, reason).await,
                    Err(not_now) => self.not_now(job, not_now).await,
                };
            }
            Some(Err(reason)) => return self.refuse(job, reason).await,
            None => {}
        }
        let planned = self.planned(job, false, Box::pin(self.said_to(occasion, spec, delivery))).await?;
        if planned.job.plan.as_ref().is_none_or(Plan::is_empty) {
            return self.conclude(planned.job, Ok(Parts::default())).await;
        }
        let planned = match recipient {
            Recipient::Conversation { .. } | Recipient::Channel(_) => planned,
            // Finding or creating the conversation takes a while.
            Recipient::User(_) => Planned { job: self.stored(planned).await?, is_stored: true },
        };
        let reference = match self.reference_to(recipient, None, &planned.job).await {
            Ok(Ok(reference)) => reference,
            Ok(Err(Unreachable(reason))) => return self.refuse(planned.job, reason).await,
            Err(not_now) => return self.not_now(planned.job, not_now).await,
        };
        let target = match recipient {
            Recipient::Conversation { .. } | Recipient::User(_) => Target::Conversation(&reference),
            Recipient::Channel(channel) => Target::NewThread(channel, &reference),
        };
        let route = Route { target, policy: policy_of(occasion), in_order: false };
        match self.send_plan(planned, route).await? {
            Said::Ended(_) => Ok(()),
            Said::InHand(job, carried_out) => self.conclude(*job, carried_out).await,
        }
    }

    async fn refuse(&self, job: Job, reason: String) -> Result<(), Later> {
        self.write(finish(job, Attempt::Refused(reason), Policy::Work, self.clock.now())).await.map(drop)
    }

    async fn not_now(&self, job: Job, NotNow { later, reason }: NotNow) -> Result<(), Later> {
        let put_off = Attempt::NotDone(reason);
        self.write(finish(job, put_off, Policy::Work, self.clock.now())).await?;
        Err(later)
    }

    /// Where `recipient` is spoken to: in the thread that begins with `shown`, where it is a team's channel.
    async fn reference_to(
        &self,
        recipient: &Recipient,
        shown: Option<&ActivityId>,
        job: &Job,
    ) -> Result<Result<ConversationReference, Unreachable>, NotNow> {
        match recipient {
            Recipient::Conversation { reference } => Ok(Ok(reference.clone())),
            Recipient::User(user) => match self.references.find(user).await {
                Ok(Some(reference)) => Ok(Ok(reference)),
                Ok(None) => self.create(user, job).await,
                Err(error) => Err(self.no_table(&error, job)),
            },
            Recipient::Channel(channel) => {
                let reference = self.thread_of(channel, shown);
                Ok(reference
                    .ok_or_else(|| Unreachable("the agent has no account on this channel".to_owned())))
            }
        }
    }
}
