//! An answer in place of the ack: an update of the activity that is shown, which may be repeated.
//! Where there is nothing to update, or the channel cannot, it is sent as a message; so it is in Copilot, which shows no edits.

use herald::jobs::{Job, Part, ResendPolicy, State};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;

use super::fallback::Request;
use super::send::Sender;
use super::target::Route;
use crate::job::lease::SendResults;
use crate::retry::RetryIn;

/// Replaces the ack by the only message of the plan of `job`. The task's message has its id in `shown`; otherwise it is in
/// the record of the job that sent it.
///
/// ```text
/// update ──► shown once, however often it is repeated
///        └─► refused, no id to update, or in Copilot: sent, under a claim of its own
/// ```
pub(crate) async fn replace_ack(
    sender: &Sender,
    job: &Job,
    reference: &ConversationReference,
    shown: Option<&ActivityId>,
) -> Result<SendResults, RetryIn> {
    let Some(plan) = &job.plan else { return Ok(SendResults::default()) };
    let replaces = plan.replaces.as_ref().filter(|_| !reference.is_copilot);
    if let (Some(ack), [activity]) = (replaces, plan.sends.as_slice()) {
        let shown = match shown {
            Some(shown) => Some(shown.clone()),
            None => {
                let ack = sender.jobs.store.get(ack).await;
                let ack = ack.map_err(|error| sender.jobs.retry_after_store_error(&error, &job.id))?;
                ack.as_ref().and_then(Job::shown_activity).cloned()
            }
        };
        if let Some(shown) = &shown {
            let started_at = sender.jobs.clock.now();
            let update = async {
                let request = Request::Update(shown, activity);
                let updated = Box::pin(sender.channel.at_right_url(reference, request)).await;
                if let Err(error) = &updated {
                    Box::pin(sender.channel.update_reference_after(error, reference, started_at)).await;
                }
                updated
            };
            let id = job.id.part(Part::Update, 0);
            let updated = Box::pin(sender.attempt(&id, reference, ResendPolicy::Idempotent, update)).await?;
            if updated.state == State::Sent {
                return Ok(SendResults::default());
            }
        }
    }
    sender.send_all(&job.id, Route::follow_up(reference), &plan.sends).await
}
