//! Handler of the effects of an answer that `inbound` gave in its HTTP response.

use herald::aws::queue::EffectsWork;
use herald::jobs::ResendPolicy;

use crate::MessageContext;
use crate::effects::Effects;
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::retry::RetryIn;

/// Applies queued effects.
pub(crate) struct EffectsHandler {
    pub(crate) jobs: Jobs,
    pub(crate) effects: Effects,
}

impl EffectsHandler {
    /// Applies the effects once.
    pub(crate) async fn handle(&self, work: EffectsWork, context: MessageContext) -> Result<(), RetryIn> {
        let context = context.asked_at(work.at.or(context.sent_at));
        let claimed = self.jobs.claim(&work.job, ResendPolicy::Idempotent, context).await?;
        let Claimed::Acquired(job) = claimed else { return Ok(()) };
        let done = async {
            let at = work.at.unwrap_or_else(|| self.jobs.first_started_at(&job));
            let applied = self.effects.apply(&job, &work.reference, &work.effects, at).await;
            self.jobs.complete(job.clone(), applied.map(|()| SendResults::default())).await
        };
        self.jobs.with_lease(&job, context, Box::pin(done)).await
    }
}
