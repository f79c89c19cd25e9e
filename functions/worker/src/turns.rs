//! Turns: the engine's answer to one activity, within the 15 s the channel gives.
//! A turn never waits in the FIFO queue, where it would silence its conversation: it goes on in `tasks`.

use herald::agent::{EngineError, Outcome, Response, Turn};
use std::time::Duration;

use herald::aws::queue::{MAX_DELAY, QueueError, TaskWork, TurnWork, WorkMessage};
use herald::clock::timeout;
use herald::error::error_chain;
use herald::jobs::{FollowOn, Job, Plan, ResendPolicy};
use tracing::{error, warn};

use crate::job::{Parts, Wanted};
use crate::only::Said;
use crate::opening::stream_of;
use crate::send::{Route, Target};
use crate::{Later, Place, Worker};

/// How long the engine has before its default ack is sent for it.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

impl Worker {
    pub(crate) async fn turn(&self, work: TurnWork, place: Place) -> Result<(), Later> {
        let Err(later) = self.try_turn(&work, place.in_order).await else {
            return Ok(());
        };
        if !place.in_order {
            return Err(later);
        }
        if later.wait > MAX_DELAY {
            // The agenda takes it as it is.
            return Err(later);
        }
        let id = work.job.clone();
        let handed_over = self.tasks.send_delayed(&WorkMessage::Turn(work), later.wait).await;
        handed_over.map_err(|error| {
            let cause = error_chain(&error);
            error!(error = %cause, job.id = id.as_str(), "could not hand a turn over to the tasks");
            Later { wait: later.wait.min(Duration::from_secs(2)) }
        })
    }

    async fn try_turn(&self, work: &TurnWork, in_order: bool) -> Result<(), Later> {
        let Wanted::InHand(job) = self.claim(&work.job, ResendPolicy::Idempotent).await? else {
            return Ok(());
        };
        self.holding(&job, Box::pin(self.answer(work, job.clone(), in_order))).await
    }

    async fn answer(&self, work: &TurnWork, job: Job, in_order: bool) -> Result<(), Later> {
        let is_message = work.turn.activity.is("message");
        let planned = self.planned(job, is_message, Box::pin(self.decide(work))).await?;
        let planned = Box::pin(self.begun_again(planned, &work.turn)).await;
        let planned = Box::pin(self.effected(planned, &work.turn.reference)).await?;
        let route = Route { target: Target::Answer(&work.turn), policy: ResendPolicy::Answer, in_order };
        let Said::InHand(job, said) = self.send_plan(planned, route).await? else {
            return Ok(());
        };
        let said = Box::pin(self.without_stream(&job, said, route)).await;
        let carried_out = match said {
            Ok(parts) => Box::pin(self.follow(work, &job, parts, route)).await,
            Err(later) => Err(later),
        };
        self.conclude(*job, carried_out).await
    }

    async fn decide(&self, work: &TurnWork) -> Result<Plan, EngineError> {
        let recalled = match self.engine.needs_memory(&work.turn) {
            true => Some(Turn { memory: self.recall(&work.turn.reference).await, ..work.turn.clone() }),
            false => None,
        };
        let turn = recalled.as_ref().unwrap_or(&work.turn);
        let answer = self.engine.on_activity(turn);
        let response = match work.no_deadline {
            true => Some(answer.await),
            false => timeout(self.clock.as_ref(), ENGINE_LIMIT, self.typing(turn, answer)).await,
        };
        let Some(response) = response else {
            warn!(job.id = work.job.as_str(), "the engine is slow: its default ack is sent for it");
            let ack = turn.activity.is("message").then(|| self.engine.default_ack(turn));
            return Ok(Plan {
                next: Some(FollowOn::RetryWithoutDeadline),
                ..Plan::sends(ack.into_iter().collect())
            });
        };
        let Response { outcome, effects } = response?;
        let plan = match outcome {
            Outcome::Reply(replies) => Plan::sends(replies),
            Outcome::Defer { ack, task } => {
                Plan { next: Some(FollowOn::Task(task)), ..Plan::sends(vec![ack]) }
            }
            Outcome::Stream { status, task } => {
                let begun = Box::pin(self.begin_stream(&work.job, turn, status)).await;
                Plan { next: Some(FollowOn::Task(task)), ..begun }
            }
            Outcome::Ignore => Plan::default(),
            // An invoke is answered in its HTTP response; nothing can be said to it here.
            Outcome::Invoke { .. } => {
                warn!(
                    job.id = work.job.as_str(),
                    "the engine answered a queued activity as if it were an invoke"
                );
                Plan::default()
            }
        };
        Ok(Plan { effects, ..plan })
    }

    /// Queues what follows once the sends are made, whatever came of them.
    async fn follow(
        &self,
        work: &TurnWork,
        job: &Job,
        parts: Parts,
        route: Route<'_>,
    ) -> Result<Parts, Later> {
        let stream = stream_of(job);
        if stream.is_none() {
            self.end_refused_stream(work, job).await;
        }
        let next = match job.plan.as_ref().and_then(|plan| plan.next.clone()) {
            None => return Ok(parts),
            // Of a task alone.
            Some(FollowOn::Step { .. }) => return Ok(parts),
            Some(FollowOn::Task(task)) => {
                let job = work.job.step("task", 0);
                let (ack, reference) = (Some(work.job.clone()), work.turn.reference.clone());
                WorkMessage::Task(TaskWork { ack, stream, ..TaskWork::new(job, task, reference) })
            }
            Some(FollowOn::RetryWithoutDeadline) => {
                let job = work.job.step("no_deadline", 0);
                WorkMessage::Turn(TurnWork { job, turn: work.turn.clone(), no_deadline: true })
            }
        };
        let Err(error) = self.tasks.send_delayed(&next, Duration::ZERO).await else {
            return Ok(parts);
        };
        error!(error = %error_chain(&error), job.id = work.job.as_str(), "could not queue what follows from a turn");
        if matches!(error, QueueError::Body(_)) {
            // It will never fit; whoever was promised an answer is told.
            let job = work.job.step("apology", 0);
            return self.send_all(&job, route, &[self.engine.failure_notice()]).await;
        }
        Err(Later::backoff(2, &self.random))
    }
}
