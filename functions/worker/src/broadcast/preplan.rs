//! Plan of a delivery before it is claimed: the claim stores it, so that a recipient takes two writes.
//! Only what costs nothing to ask again is planned so early; a redelivery is claimed first.

use std::sync::Arc;

use herald::agent::{Engine, EngineError, Notification, Recipient};
use herald::aws::queue::Delivery;
use herald::broadcast::Spec;
use herald::jobs::{Plan, ResendPolicy};

use crate::MessageContext;
use crate::job::plan::normalize_messages;
use crate::sending::amend::amendment_for;
use crate::sending::create_conversation::Conversations;
use crate::sending::target::{Route, Target};

/// Renders the content of deliveries.
#[derive(Clone)]
pub(crate) struct Contents {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) conversations: Conversations,
}

impl Contents {
    /// Returns the plan of a delivery to a known personal conversation, on its first receipt.
    ///
    /// An engine that fails is called again under the claim, where its failures are counted.
    pub(crate) async fn plan_before_claim<'a>(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &'a Delivery,
        context: MessageContext,
    ) -> Option<(Plan, Route<'a>)> {
        let reference = match &delivery.recipient {
            Recipient::Conversation { reference } => reference,
            Recipient::User(_) | Recipient::Channel(_) => return None,
        };
        let is_amendment = amendment_for(spec, delivery).is_some();
        // Elsewhere a send may have to wait for its slot; an amendment has a claim of its own.
        let is_known = self.conversations.is_known(&delivery.recipient, notification);
        if context.is_redelivery() || is_amendment || !reference.is_personal() || !is_known {
            return None;
        }
        let plan = self.content_for(notification, spec, delivery).await.ok()?;
        let target = Target::Conversation(reference);
        Some((normalize_messages(plan), Route::new(target, policy_of(notification))))
    }

    /// Returns the plan that sends the content of the broadcast, or what the engine answers for the recipient.
    pub(crate) async fn content_for(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &Delivery,
    ) -> Result<Plan, EngineError> {
        let activity = match spec.and_then(|spec| spec.content.as_ref()) {
            Some(content) => Some(content.render(&delivery.recipient, &delivery.values)?),
            None => self.engine.on_notification(notification, &delivery.recipient).await?,
        };
        Ok(Plan::sends(activity.into_iter().collect()))
    }
}

/// Returns how often a send of the broadcast may be repeated.
pub(crate) fn policy_of(notification: &Notification) -> ResendPolicy {
    if notification.at_most_once { ResendPolicy::AtMostOnce } else { ResendPolicy::Broadcast }
}
