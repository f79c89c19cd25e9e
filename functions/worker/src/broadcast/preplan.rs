//! Plan of a delivery before it is claimed: the claim stores it, so that a recipient takes two writes.
//! Only what costs nothing to ask again is planned so early; an engine is asked again under the claim of a redelivery.

use std::sync::Arc;

use herald::agent::{Engine, EngineError, Notification, Recipient};
use herald::aws::queue::Delivery;
use herald::broadcast::Spec;
use herald::jobs::{Plan, ResendPolicy};
use herald::protocol::conversation::ConversationReference;

use crate::MessageContext;
use crate::job::plan::normalize_messages;
use crate::sending::create_conversation::{Conversations, NoConversation};

/// Renders the content of deliveries.
#[derive(Clone)]
pub(crate) struct Contents {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) conversations: Conversations,
}

/// What is planned before the claim.
pub(crate) enum Preplan {
    /// The plan, and the personal conversation that it is sent to.
    Planned(Plan, Box<ConversationReference>),
    /// Nothing: the recipient has no conversation.
    NoConversation(NoConversation),
    /// Nothing yet: the delivery is planned under its claim.
    UnderClaim,
}

impl Contents {
    /// Returns the plan of a delivery to one person.
    ///
    /// An engine that fails is called again under the claim, where its failures are counted.
    pub(crate) async fn plan_before_claim(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &Delivery,
        context: MessageContext,
    ) -> Preplan {
        let recipient = &delivery.recipient;
        if context.is_redelivery() && !is_rendered(spec) {
            return Preplan::UnderClaim;
        }
        let known = match recipient {
            // Elsewhere a send may have to wait for its slot.
            Recipient::Conversation { reference } if reference.is_personal() => Some(reference),
            Recipient::User(_) => None,
            Recipient::Conversation { .. } | Recipient::Channel(_) => return Preplan::UnderClaim,
        };
        let known = known.filter(|_| self.conversations.is_known(recipient, notification));
        let person = recipient.person();
        let reference = match (known, person) {
            (Some(reference), _) => reference.clone(),
            // A repetition would create another thread, or ask an engine for what is stored.
            (None, Some(_)) if notification.dedicated_thread || !is_rendered(spec) => {
                return Preplan::UnderClaim;
            }
            (None, Some(person)) => match self.conversations.find_or_create(&person, &delivery.job).await {
                Ok(reference) => reference,
                Err(cause) => return Preplan::NoConversation(cause),
            },
            (None, None) => return Preplan::UnderClaim,
        };
        match self.content_for(notification, spec, delivery).await {
            Ok(plan) => Preplan::Planned(normalize_messages(plan), Box::new(reference)),
            Err(_) => Preplan::UnderClaim,
        }
    }

    /// Returns the plan that sends the content of the broadcast, or what the engine answers for the recipient.
    pub(crate) async fn content_for(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &Delivery,
    ) -> Result<Plan, EngineError> {
        let activity = match spec.and_then(|spec| spec.content.as_ref()) {
            Some(content) => {
                Some(content.render(&delivery.recipient, &delivery.values).map_err(EngineError::public)?)
            }
            None => self.engine.on_notification(notification, &delivery.recipient).await?,
        };
        Ok(Plan::sends(activity.into_iter().collect()))
    }
}

/// Returns how often a send of the broadcast may be repeated.
pub(crate) fn policy_of(notification: &Notification) -> ResendPolicy {
    if notification.at_most_once { ResendPolicy::AtMostOnce } else { ResendPolicy::Broadcast }
}

/// Whether the content is that of the spec, which is rendered again in every attempt.
pub(crate) fn is_rendered(spec: Option<&Spec>) -> bool {
    spec.is_some_and(|spec| spec.content.is_some())
}
