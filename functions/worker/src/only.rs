//! The sends of a plan on their way: an only one under the claim of its job, several under claims of their own.
//! What follows them is the caller's to do, and to end the job after.

use herald::jobs::{Claim, Job, JobId, Plan, State, begin_send, end_send};
use herald::protocol::activity::Activity;
use jiff::Timestamp;
use tracing::warn;

use crate::decide::Planned;
use crate::job::{LEASE, Parts, Wanted, note_end};
use crate::send::Route;
use crate::{Later, Worker};

/// What came of the sends of a plan.
pub(crate) enum Said {
    /// Its job has ended with them, and stands so in the table.
    Ended(Box<Job>),
    /// Its job is still in hand, to be concluded after what follows.
    InHand(Box<Job>, Result<Parts, Later>),
}

impl Worker {
    /// Makes the sends of a plan.
    pub(crate) async fn send_plan(&self, planned: Planned, route: Route<'_>) -> Result<Said, Later> {
        if let Some(activity) = planned.job.plan.as_ref().and_then(Plan::inline_send).cloned() {
            return Box::pin(self.send_only(planned, route, &activity)).await;
        }
        let job = self.stored(planned).await?;
        let sends = job.plan.as_ref().map(|plan| plan.sends.as_slice()).unwrap_or_default();
        let parts = Box::pin(self.send_all(&job.id, route, sends)).await;
        Ok(Said::InHand(Box::new(job), parts))
    }

    /// ```text
    /// plan and claim ──► request ──► record, and the end unless something follows
    ///                ▲          ▲
    ///                └──────────┴─ died here: repeated within the budget, or UNKNOWN
    /// ```
    async fn send_only(
        &self,
        planned: Planned,
        route: Route<'_>,
        activity: &Activity,
    ) -> Result<Said, Later> {
        let is_settled = planned.job.inline_send.as_ref().is_some_and(|send| send.state.is_settled());
        let job = match is_settled {
            true => planned.job,
            false => match self.turns_in(route.target.reference(), 1, route.in_order).await {
                Err(later) => return Ok(Said::InHand(Box::new(planned.job), Err(later))),
                Ok(starts) => self.once_due(planned, &starts).await?,
            },
        };
        let now = self.clock.now();
        match begin_send(job, route.policy, LEASE, now) {
            Claim::Acquired(job) => Box::pin(self.send_begun(self.write(job).await?, route, activity)).await,
            Claim::Completed(job) => Ok(in_hand(job)),
            Claim::GaveUp(job) => {
                let job = self.write(job).await?;
                let reason = job.inline_job().and_then(|send| send.reason()).unwrap_or_default();
                warn!(job.id = job.id.as_str(), "gave up a send: {reason}");
                Ok(in_hand(job))
            }
            Claim::Held { until } => Err(Later::once_free(until, now)),
        }
    }

    /// Waits until a send may go out; for a wait the plan is stored first.
    async fn once_due(&self, planned: Planned, starts: &[Timestamp]) -> Result<Job, Later> {
        match starts.first() {
            Some(start) if *start > self.clock.now() => {
                let job = self.stored(planned).await?;
                self.wait_for_turn(*start).await;
                Ok(job)
            }
            Some(_) | None => Ok(planned.job),
        }
    }

    /// Claims `id` with a `plan` that is known already, and makes its sends: one message takes two writes.
    ///
    /// Where the record has a plan, that is carried out in its place. Returns the record where it is known how it
    /// stands.
    pub(crate) async fn carry_out(
        &self,
        id: &JobId,
        plan: &Plan,
        route: Route<'_>,
    ) -> Result<Option<Job>, Later> {
        let job = match self.claim_planned(id, plan, route.policy).await? {
            Wanted::InHand(job) => job,
            Wanted::Settled(job) => return Ok(Some(job)),
        };
        let sends = async {
            let is_begun = job.inline_send.as_ref().is_some_and(|send| send.state == State::Sending);
            match job.plan.as_ref().and_then(Plan::inline_send).filter(|_| is_begun) {
                Some(activity) => self.send_begun(job.clone(), route, activity).await,
                None => self.send_plan(Planned { job: job.clone(), is_stored: true }, route).await,
            }
        };
        match self.holding(&job, Box::pin(sends)).await? {
            Said::Ended(job) => Ok(Some(*job)),
            Said::InHand(job, carried_out) => self.conclude(*job, carried_out).await.map(|()| None),
        }
    }

    /// Makes the only send of `job`, which is claimed.
    async fn send_begun(&self, job: Job, route: Route<'_>, activity: &Activity) -> Result<Said, Later> {
        let send = job.inline_job().unwrap_or_else(|| job.clone());
        let request = self.say(route.target, activity);
        let (attempt, later) =
            Box::pin(self.request(&send, route.target.reference(), route.policy, request)).await;
        let job = self.record(end_send(job, attempt, route.policy, self.clock.now())).await?;
        if job.state == State::Retry { Err(later) } else { Ok(in_hand(job)) }
    }
}

/// A job whose only send is settled.
fn in_hand(job: Job) -> Said {
    note_end(&job);
    if job.state.is_settled() {
        return Said::Ended(Box::new(job));
    }
    let mut parts = Parts::default();
    job.inline_job().iter().for_each(|send| parts.add(send));
    Said::InHand(Box::new(job), Ok(parts))
}
