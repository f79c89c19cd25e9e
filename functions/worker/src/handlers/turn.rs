//! Handler of a turn: the answer of the engine to one activity, with an ack within 15 s of it.
//! A turn never waits in the FIFO queue, where it would block its conversation: its retry goes to `tasks`.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Engine, EngineError, Outcome, Response, Turn};
use herald::aws::queue::{MAX_DELAY, Queue, QueueError, TaskWork, TurnWork, WorkMessage};
use herald::clock::timeout;
use herald::error::error_chain;
use herald::jobs::{FollowOn, Job, Plan, ResendPolicy};
use tracing::{error, warn};

use crate::MessageContext;
use crate::effects::Effects;
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::job::plan::JobPlan;
use crate::memory::Memories;
use crate::retry::RetryIn;
use crate::sending::send::Sender;
use crate::sending::send_plan::{PlanSender, SendOutcome};
use crate::sending::target::{Route, Target};
use crate::sending::typing::Typing;
use crate::streaming::open::{Streams, stream_of};

/// Time limit of the engine, after which its default ack is sent.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers turns.
pub(crate) struct TurnHandler {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) jobs: Jobs,
    pub(crate) memories: Memories,
    pub(crate) effects: Effects,
    pub(crate) typing: Typing,
    pub(crate) streams: Streams,
    pub(crate) plans: PlanSender,
    pub(crate) sender: Sender,
    pub(crate) tasks: Queue,
}

impl TurnHandler {
    /// Answers a turn; one of the FIFO queue that has to be retried goes to `tasks`.
    pub(crate) async fn handle(&self, work: TurnWork, context: MessageContext) -> Result<(), RetryIn> {
        let Err(retry) = self.try_turn(&work, context.is_fifo).await else {
            return Ok(());
        };
        if !context.is_fifo {
            return Err(retry);
        }
        if retry.wait > MAX_DELAY {
            // It is stored as a timer as it is.
            return Err(retry);
        }
        let id = work.job.clone();
        let moved = self.tasks.send_delayed(&WorkMessage::Turn(work), retry.wait).await;
        moved.map_err(|error| {
            let cause = error_chain(&error);
            error!(error = %cause, job.id = id.as_str(), "could not move a turn to the queue of tasks");
            RetryIn { wait: retry.wait.min(Duration::from_secs(2)) }
        })
    }

    /// Claims a turn and answers it.
    async fn try_turn(&self, work: &TurnWork, is_fifo: bool) -> Result<(), RetryIn> {
        let Claimed::Acquired(job) = self.jobs.claim(&work.job, ResendPolicy::Idempotent).await? else {
            return Ok(());
        };
        self.jobs.with_lease(&job, Box::pin(self.answer(work, job.clone(), is_fifo))).await
    }

    /// Plans the answer to a claimed turn, sends it and completes the job.
    async fn answer(&self, work: &TurnWork, job: Job, is_fifo: bool) -> Result<(), RetryIn> {
        let apology = awaits_answer(&work.turn).then(|| self.engine.failure_notice());
        let decide = Box::pin(self.decide(work));
        let plan = JobPlan::replay_or_decide(&self.jobs, job, apology, decide).await?;
        let plan = Box::pin(self.streams.reopen(plan, &work.turn)).await;
        let plan = Box::pin(self.effects.apply_plan_effects(plan, &work.turn.reference)).await?;
        let route = Route { target: Target::Answer(&work.turn), policy: ResendPolicy::Answer, is_fifo };
        let SendOutcome::InProgress(job, sent) = self.plans.send_plan(plan, route).await? else {
            return Ok(());
        };
        let sent = Box::pin(self.streams.fall_back_to_message(&job, sent, route)).await;
        let carried_out = match sent {
            Ok(results) => Box::pin(self.enqueue_next(work, &job, results, route)).await,
            Err(retry) => Err(retry),
        };
        self.jobs.complete(*job, carried_out).await
    }

    /// Calls the engine and returns the plan of its response, or of the default ack after the time limit.
    async fn decide(&self, work: &TurnWork) -> Result<Plan, EngineError> {
        let turn_with_memory = match self.engine.needs_memory(&work.turn) {
            true => Some(Turn {
                memory: self.memories.load_memory(&work.turn.reference).await,
                ..work.turn.clone()
            }),
            false => None,
        };
        let turn = turn_with_memory.as_ref().unwrap_or(&work.turn);
        let answer = self.engine.on_activity(turn);
        let response = match work.no_deadline {
            true => Some(answer.await),
            false => {
                timeout(self.jobs.clock.as_ref(), ENGINE_TIMEOUT, self.typing.with_typing(turn, answer)).await
            }
        };
        let Some(response) = response else {
            warn!(
                job.id = work.job.as_str(),
                "the engine exceeded its time limit; it is called again without one"
            );
            let ack = awaits_answer(turn).then(|| self.engine.default_ack(turn));
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
                let opened = Box::pin(self.streams.open(&work.job, turn, status)).await;
                Plan { next: Some(FollowOn::Task(task)), ..opened }
            }
            Outcome::Ignore => Plan::default(),
            // An invoke is answered in its HTTP response, not here.
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

    /// Enqueues what follows once the messages are sent, whatever their results.
    async fn enqueue_next(
        &self,
        work: &TurnWork,
        job: &Job,
        results: SendResults,
        route: Route<'_>,
    ) -> Result<SendResults, RetryIn> {
        let stream = stream_of(job);
        if stream.is_none() {
            self.streams.release_if_refused(work, job).await;
        }
        let next = match job.plan.as_ref().and_then(|plan| plan.next.clone()) {
            None => return Ok(results),
            // Only a task has steps.
            Some(FollowOn::Step { .. }) => return Ok(results),
            Some(FollowOn::Task(task)) => {
                let job = work.job.step("task", 0);
                let (ack, reference) = (Some(work.job.clone()), work.turn.reference.clone());
                WorkMessage::Task(TaskWork { ack, stream, ..TaskWork::new(job, task, reference) })
            }
            Some(FollowOn::RetryWithoutDeadline) => {
                let job = work.job.step("unhurried", 0);
                WorkMessage::Turn(TurnWork { job, turn: work.turn.clone(), no_deadline: true })
            }
        };
        let Err(error) = self.tasks.send_delayed(&next, Duration::ZERO).await else {
            return Ok(results);
        };
        error!(error = %error_chain(&error), job.id = work.job.as_str(), "could not enqueue what follows from a turn");
        if matches!(error, QueueError::Body(_)) {
            // It never fits into a message; the user, who waits for an answer, gets an apology.
            let job = work.job.step("apology", 0);
            return self.sender.send_all(&job, route, &[self.engine.failure_notice()]).await;
        }
        Err(RetryIn::backoff(2, &self.jobs.random))
    }
}

/// Whether a person waits for an answer: to a message that is meant for the agent. Of others a group sees nothing unless the
/// engine responds.
fn awaits_answer(turn: &Turn) -> bool {
    turn.activity.is("message") && turn.is_addressed()
}
