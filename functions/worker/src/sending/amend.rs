//! What is shown already: deleted or replaced when a broadcast is recalled or corrected.
//! Either may be repeated freely; which of what was shown is meant was planned by `proactive`.

use herald::aws::queue::Delivery;
use herald::broadcast::{Aim, Spec};
use herald::jobs::{Job, Policy};
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::ConnectorError;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;
use herald::protocol::team::TeamChannel;

use crate::job::lease::Parts;
use crate::{Later, Worker};

/// What becomes of an activity.
pub(crate) enum Amendment {
    /// It is taken away.
    Delete(ActivityId),
    /// Another takes its place.
    Replace(ActivityId, Box<Activity>),
}

/// What `delivery` does to what was delivered before; `None` when it tells something new.
pub(crate) fn change_of(spec: Option<&Spec>, delivery: &Delivery) -> Option<Result<Amendment, String>> {
    let spec = spec?;
    let shown = delivery.activity.clone()?;
    match &spec.aim {
        Aim::Tell { .. } | Aim::Resend { .. } => None,
        Aim::Recall { .. } => Some(Ok(Amendment::Delete(shown))),
        Aim::Correct { .. } => {
            let content = spec.content.as_ref()?;
            let rendered = content.render(&delivery.recipient, &delivery.values);
            let replaced = rendered.map(|activity| Amendment::Replace(shown, Box::new(activity)));
            Some(replaced.map_err(|error| error.to_string()))
        }
    }
}

impl Worker {
    pub(crate) async fn change(
        &self,
        job: &Job,
        reference: &ConversationReference,
        amendment: Amendment,
    ) -> Result<Parts, Later> {
        let other = self.connector.cloud.other_service_url(&reference.service_url);
        let change = async {
            match (self.amend(reference, &amendment).await, other) {
                (Err(error), Some(other)) if error.is_elsewhere() => {
                    let moved = ConversationReference { service_url: other.clone(), ..reference.clone() };
                    self.amend(&moved, &amendment).await
                }
                (amended, _) => amended,
            }
        };
        let mut parts = Parts::default();
        let step = job.id.step("send", 0);
        parts.add(&Box::pin(self.attempt(&step, reference, Policy::Amendment, change)).await?);
        Ok(parts)
    }

    async fn amend(
        &self,
        reference: &ConversationReference,
        amendment: &Amendment,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        match amendment {
            Amendment::Delete(id) => self.connector.delete(reference, id).await.map(|()| Some(id.clone())),
            Amendment::Replace(id, activity) => {
                let activity = Activity::clone(activity);
                self.connector.update(reference, id, activity).await.map(|()| Some(id.clone()))
            }
        }
    }

    /// The reference to `channel`, or to the thread in it that begins with `root`.
    pub(crate) fn thread_of(
        &self,
        channel: &TeamChannel,
        root: Option<&ActivityId>,
    ) -> Option<ConversationReference> {
        let agent = self.connector.agent_account("msteams")?;
        ConversationReference::of_thread(
            channel,
            root,
            self.connector.cloud.global_service_url.clone(),
            agent,
        )
    }
}
