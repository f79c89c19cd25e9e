//! What a delivery says, known before it is claimed: then the claim stores it, and a recipient takes two writes.
//! Only what may be asked again for nothing is asked so early; a delivery that comes back is claimed first.

use herald::agent::engine::EngineError;
use herald::agent::notification::{Occasion, Recipient};
use herald::aws::queue::Delivery;
use herald::broadcast::Spec;
use herald::jobs::{Plan, Policy};

use crate::sending::amend::change_of;
use crate::job::plan::divided;
use crate::sending::send::{Route, Target};
use crate::{Place, Worker};

impl Worker {
    /// What is said to somebody who can be spoken to at once, the first time that the message about it is seen.
    ///
    /// An engine that fails is asked again under the claim, where it counts.
    pub(crate) async fn foreseen<'a>(
        &self,
        occasion: &Occasion,
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
        let plan = self.said_to(occasion, spec, delivery).await.ok()?;
        let target = Target::Conversation(reference);
        Some((divided(plan), Route { target, policy: policy_of(occasion), in_order: false }))
    }

    /// What is said to the recipient of `delivery`: the broadcast's text, or what the engine says.
    pub(crate) async fn said_to(
        &self,
        occasion: &Occasion,
        spec: Option<&Spec>,
        delivery: &Delivery,
    ) -> Result<Plan, EngineError> {
        let activity = match spec.and_then(|spec| spec.content.as_ref()) {
            Some(content) => Some(content.render(&delivery.recipient, &delivery.values)?),
            None => self.engine.on_occasion(occasion, &delivery.recipient).await?,
        };
        Ok(Plan::sends(activity.into_iter().collect()))
    }
}

/// How often what is said on an occasion may be repeated.
pub(crate) fn policy_of(occasion: &Occasion) -> Policy {
    if occasion.at_most_once { Policy::AtMostOnce } else { Policy::Broadcast }
}
