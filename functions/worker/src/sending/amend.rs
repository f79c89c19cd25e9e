//! Activities that a recall deletes or a correction replaces. Both may be repeated.
//! Which activity of a recipient is meant was planned by `proactive`.

use herald::aws::queue::Delivery;
use herald::broadcast::{Kind, Spec};
use herald::jobs::{Attempt, Failure, FailureKind, Job, ResendPolicy};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;

use super::fallback::Request;
use super::send::Sender;
use crate::retry::RetryIn;

/// Change of a delivered activity.
pub(crate) enum Amendment {
    /// It is deleted.
    Delete(ActivityId),
    /// It is replaced by another.
    Replace(ActivityId, Box<Activity>),
}

/// Returns what `delivery` changes in an earlier delivery; `None` when it sends something new.
pub(crate) fn amendment_for(spec: Option<&Spec>, delivery: &Delivery) -> Option<Result<Amendment, Failure>> {
    let spec = spec?;
    let shown = delivery.activity.clone()?;
    match &spec.kind {
        Kind::Announce { .. } | Kind::Resend { .. } => None,
        Kind::Recall { .. } => Some(Ok(Amendment::Delete(shown))),
        Kind::Correct { .. } => {
            let content = spec.content.as_ref()?;
            let rendered = content.render(&delivery.recipient, &delivery.values);
            let replaced = rendered.map(|activity| Amendment::Replace(shown, Box::new(activity)));
            Some(replaced.map_err(|error| Failure::new(FailureKind::Content).with_detail(error.to_string())))
        }
    }
}

/// Applies `amendment` under the claim of `job`, at another service URL where the conversation is there.
pub(crate) async fn apply_amendment(
    sender: &Sender,
    job: &Job,
    reference: &ConversationReference,
    amendment: Amendment,
) -> (Attempt, RetryIn) {
    let request = match &amendment {
        Amendment::Delete(id) => Request::Delete(id),
        Amendment::Replace(id, activity) => Request::Update(id, activity),
    };
    let change = Box::pin(sender.channel.at_right_url(reference, request));
    Box::pin(sender.request(job, reference, ResendPolicy::Amendment, change)).await
}
