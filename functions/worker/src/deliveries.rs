//! Deliveries: one occasion told to one recipient after the other, each under its own claim.
//! Who they are was decided by `proactive`; what they are told, by the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use herald::connector::{ConnectorError, Retry};
use herald::conversation::{ConversationReference, User, lifecycle::Change};
use herald::ids::TenantId;
use herald::ledger::{Attempt, Job, Plan, Policy, finish};
use herald::occasion::{Occasion, Recipient};
use herald::queue::{DeliveriesWork, Delivery};
use herald::telemetry::causes;
use jiff::Timestamp;
use tracing::{error, info};

use crate::decide::Planned;
use crate::job::{Parts, Wanted};
use crate::only::Said;
use crate::send::{Route, Target};
use crate::{Later, Place, Worker};

/// A recipient cannot be spoken to.
struct Unreachable(String);

impl Worker {
    pub(crate) async fn deliveries(&self, work: DeliveriesWork, place: Place) -> Result<(), Later> {
        let mut outcome = Ok(());
        let starts = self.starts(&work.deliveries).await?;
        for (delivery, start) in work.deliveries.iter().zip(starts) {
            if place.stop_at.is_some_and(|at| self.clock.now() >= at) {
                return Err(Later { wait: Duration::from_secs(1) });
            }
            self.wait_for_turn(start).await;
            // One recipient who must wait keeps nobody else waiting.
            if let Err(later) = self.deliver(&work.occasion, delivery).await {
                let longest = outcome.err().map_or(later.wait, |other: Later| other.wait.max(later.wait));
                outcome = Err(Later { wait: longest });
            }
        }
        outcome
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

    async fn deliver(&self, occasion: &Occasion, delivery: &Delivery) -> Result<(), Later> {
        let Wanted::InHand(job) = self.claim(&delivery.job, Policy::Work).await? else {
            return Ok(());
        };
        self.holding(&job, Box::pin(self.tell(occasion, &delivery.recipient, job.clone()))).await
    }

    async fn tell(&self, occasion: &Occasion, recipient: &Recipient, job: Job) -> Result<(), Later> {
        let decide = async {
            let activity = self.engine.on_occasion(occasion, recipient).await?;
            Ok(Plan::sends(activity.into_iter().collect()))
        };
        let planned = self.planned(job, false, decide).await?;
        if planned.job.plan.as_ref().is_none_or(Plan::is_empty) {
            return self.conclude(planned.job, Ok(Parts::default())).await;
        }
        let planned = match recipient {
            Recipient::Conversation { .. } => planned,
            // Finding or creating the conversation takes a while.
            Recipient::User(_) => Planned { job: self.stored(planned).await?, is_stored: true },
        };
        let reference = match self.reference_to(recipient, &planned.job).await {
            Ok(Ok(reference)) => reference,
            Ok(Err(Unreachable(reason))) => {
                let refused = finish(planned.job, Attempt::Refused(reason), Policy::Work, self.clock.now());
                self.write(refused).await?;
                return Ok(());
            }
            Err(later) => return self.conclude(planned.job, Err(later)).await,
        };
        let policy = if occasion.at_most_once { Policy::AtMostOnce } else { Policy::Broadcast };
        let route = Route { target: Target::Conversation(&reference), policy, in_order: false };
        match self.send_plan(planned, route).await? {
            Said::Ended => Ok(()),
            Said::InHand(job, carried_out) => self.conclude(*job, carried_out).await,
        }
    }

    async fn reference_to(
        &self,
        recipient: &Recipient,
        job: &Job,
    ) -> Result<Result<ConversationReference, Unreachable>, Later> {
        match recipient {
            Recipient::Conversation { reference } => Ok(Ok(reference.clone())),
            Recipient::User(user) => {
                let known =
                    self.references.find(user).await.map_err(|error| self.put_off(&error, &job.id))?;
                match known {
                    Some(reference) => Ok(Ok(reference)),
                    None => self.create(user, job).await,
                }
            }
        }
    }

    /// Creates the conversation and keeps its reference, before anything is said in it: creating may be
    /// repeated freely, saying may not.
    async fn create(
        &self,
        user: &User,
        job: &Job,
    ) -> Result<Result<ConversationReference, Unreachable>, Later> {
        let created = match self.connector.create_conversation(user).await {
            Ok(created) => created,
            Err(error) => return self.not_created(&error, job),
        };
        info!(job.id = job.id.as_str(), "created a conversation");
        let Some(agent) = self.connector.agent_account(user.channel.as_str()) else {
            return Ok(Err(Unreachable("the agent has no account on this channel".to_owned())));
        };
        let reference =
            ConversationReference::created(created.conversation, created.service_url, user, agent);
        let kept = self.references.upsert(&reference, Change::Keep, self.clock.now()).await;
        kept.map_err(|error| self.put_off(&error, &job.id))?;
        Ok(Ok(reference))
    }

    fn not_created(
        &self,
        error: &ConnectorError,
        job: &Job,
    ) -> Result<Result<ConversationReference, Unreachable>, Later> {
        let cause = causes(error);
        error!(error = %cause, job.id = job.id.as_str(), "could not create a conversation");
        match error.retry() {
            Retry::After(wait) => Err(Later { wait }),
            // Creating shows nothing: it is repeated until the delivery expires.
            Retry::Backoff | Retry::WithinResendBudget(_) => Err(Later::backoff(job.attempts, &self.chance)),
            Retry::Never => Ok(Err(Unreachable(error.to_string()))),
        }
    }
}
