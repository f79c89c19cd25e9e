//! An answer in place of the ack: an update of what is shown already, which may be repeated freely.
//! Where there is nothing to update, or the channel cannot, it is a message like any other.

use herald::activity::Activity;
use herald::conversation::ConversationReference;
use herald::ledger::{JobId, Policy, State};

use crate::job::Parts;
use crate::send::Target;
use crate::{Later, Worker};

impl Worker {
    /// ```text
    /// update ──► shown once, however often it is repeated
    ///        └─► refused, or no id to update: sent, under a claim of its own
    /// ```
    pub(crate) async fn replace(
        &self,
        job: &JobId,
        reference: &ConversationReference,
        ack: &JobId,
        activity: &Activity,
    ) -> Result<Parts, Later> {
        let ack = self.jobs.get(ack).await.map_err(|error| self.put_off(&error, job))?;
        if let Some(shown) = ack.and_then(|ack| ack.activity_id) {
            let begun = self.clock.now();
            let update = async {
                let updated = self.connector.update(reference, &shown, activity.clone()).await;
                if let Err(error) = &updated {
                    self.take_to_heart(error, reference, begun).await;
                }
                updated.map(|()| Some(shown.clone()))
            };
            let job = job.step("update", 0);
            let updated = Box::pin(self.attempt(&job, reference, Policy::Work, update)).await?;
            if updated.state == State::Sent {
                return Ok(Parts::default());
            }
        }
        let target = Target::Conversation(reference);
        self.send_all(job, target, std::slice::from_ref(activity), Policy::FollowUp, false).await
    }
}
