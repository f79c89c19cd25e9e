//! An answer in place of the ack: an update of what is shown already, which may be repeated freely.
//! Where there is nothing to update, or the channel cannot, it is a message like any other.

use herald::jobs::{Job, ResendPolicy, State};
use herald::protocol::conversation::ConversationReference;

use crate::job::Parts;
use crate::send::Route;
use crate::{Later, Worker};

impl Worker {
    /// ```text
    /// update ──► shown once, however often it is repeated
    ///        └─► refused, or no id to update: sent, under a claim of its own
    /// ```
    pub(crate) async fn replace(&self, job: &Job, reference: &ConversationReference) -> Result<Parts, Later> {
        let Some(plan) = &job.plan else { return Ok(Parts::default()) };
        if let (Some(ack), [activity]) = (&plan.replaces, plan.sends.as_slice()) {
            let ack = self.jobs.get(ack).await.map_err(|error| self.put_off(&error, &job.id))?;
            if let Some(shown) = ack.as_ref().and_then(Job::shown_activity) {
                let begun = self.clock.now();
                let update = async {
                    let updated = self.connector.update(reference, shown, activity.clone()).await;
                    if let Err(error) = &updated {
                        self.take_to_heart(error, reference, begun).await;
                    }
                    updated.map(|()| Some(shown.clone()))
                };
                let id = job.id.step("update", 0);
                let updated =
                    Box::pin(self.attempt(&id, reference, ResendPolicy::Idempotent, update)).await?;
                if updated.state == State::Sent {
                    return Ok(Parts::default());
                }
            }
        }
        self.send_all(&job.id, Route::follow_up(reference), &plan.sends).await
    }
}
