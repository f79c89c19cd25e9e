//! What a delivery says, known before it is claimed: then the claim stores it, and a recipient takes two writes.
//! Only what may be asked again for nothing is asked so early; a delivery that comes back is claimed first.

use herald::agent::{EngineError, Notification, Recipient};
use herald::aws::queue::Delivery;
use herald::broadcast::Spec;
use herald::jobs::{Plan, ResendPolicy};

use crate::amend::change_of;
use crate::decide::divided;
use crate::send::{Route, Target};
use crate::{Place, Worker};

impl Worker {
    /// What is said to somebody who can be spoken to at once, the first time that the message about it is seen.
    ///
    /// An engine that fails is asked again under the claim, where it counts.
    pub(crate) async fn foreseen<'a>(
        &self,
        notification: &Notification,
        spec: Option<&Spec>,
        delivery: &'a Delivery,
        place: Place,
    ) -> Option<(Plan, Route<'a>)> {
        let reference = match &delivery.recipient {
            Recipient::Conversation { reference } => reference,
            Recipient::User(_) | Recipient::Channel(_) => return None,
        };
        let is_change = change_of(spec, delivery).is_some();
        // Elsewhere a send may have to wait for its turn, and a change is claimed by itself.
        if place.came_back || is_change || !reference.conversation.is_personal() {
            return None;
        }
        let plan = self.said_to(notification, spec, delivery).await.ok()?;
        let target = Target::Conversation(reference);
        Some((divided(plan), Route { target, policy: policy_of(notification), in_order: false }))
    }

    /// What is said to the recipient of `delivery`: the broadcast's text, or what the engine says.
    pub(crate) async fn said_to(
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

/// How often what is said on a notification may be repeated.
pub(crate) fn policy_of(notification: &Notification) -> ResendPolicy {
    if notification.at_most_once { ResendPolicy::AtMostOnce } else { ResendPolicy::Broadcast }
}
