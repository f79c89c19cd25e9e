//! What is shown already: deleted or replaced when a broadcast is recalled or corrected.
//! Either may be repeated freely; which of what was shown is meant was planned by `proactive`.

use herald::activity::Activity;
use herald::audience::TeamChannel;
use herald::broadcast::{Aim, Spec};
use herald::conversation::ConversationReference;
use herald::ids::ActivityId;
use herald::ledger::{Job, Policy};
use herald::occasion::Recipient;
use herald::queue::Delivery;

use crate::job::Parts;
use crate::{Later, Worker};

/// What becomes of an activity.
pub(crate) enum Amendment {
    /// It is taken away.
    Delete(ActivityId),
    /// Another takes its place.
    Replace(ActivityId, Box<Activity>),
}

impl Worker {
    /// What `delivery` does to what was delivered before, and where; `None` when it tells something new.
    pub(crate) fn change_of(
        &self,
        spec: Option<&Spec>,
        delivery: &Delivery,
    ) -> Option<Result<(ConversationReference, Amendment), String>> {
        let spec = spec?;
        let shown = delivery.activity.clone()?;
        let amendment = match &spec.aim {
            Aim::Tell { .. } | Aim::Resend { .. } => return None,
            Aim::Recall { .. } => Ok(Amendment::Delete(shown.clone())),
            Aim::Correct { .. } => {
                let content = spec.content.as_ref()?;
                let rendered = content.render(&delivery.recipient, &delivery.values);
                rendered.map(|activity| Amendment::Replace(shown.clone(), Box::new(activity)))
            }
        };
        let reference = match &delivery.recipient {
            Recipient::Conversation { reference } => Some(reference.clone()),
            Recipient::Channel(channel) => self.thread_of(channel, Some(&shown)),
            Recipient::User(_) => None,
        };
        let gone = || "the conversation is not known any more".to_owned();
        let reference = reference.ok_or_else(gone);
        Some(reference.and_then(|reference| Ok((reference, amendment.map_err(|error| error.to_string())?))))
    }

    pub(crate) async fn change(
        &self,
        job: &Job,
        reference: &ConversationReference,
        amendment: Amendment,
    ) -> Result<Parts, Later> {
        let change = async {
            match amendment {
                Amendment::Delete(id) => self.connector.delete(reference, &id).await.map(|()| Some(id)),
                Amendment::Replace(id, activity) => {
                    self.connector.update(reference, &id, *activity).await.map(|()| Some(id))
                }
            }
        };
        let mut parts = Parts::default();
        let step = job.id.step("send", 0);
        parts.add(&Box::pin(self.attempt(&step, reference, Policy::Amendment, change)).await?);
        Ok(parts)
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
