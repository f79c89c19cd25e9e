//! Handler of a turn: the answer of the engine to one activity, with an ack within 15 s of it.
//! A turn never waits in the FIFO queue, where it would block its conversation: its retry goes to `tasks`.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Engine, EngineError, Outcome, Response, Turn};
use herald::aws::queue::{KeepAliveWork, MAX_DELAY, Queue, QueueError, TaskWork, TurnWork, WorkMessage};
use herald::clock::timeout;
use herald::error::error_chain;
use herald::jobs::{FollowOn, Job, JobId, Part, Plan, ResendPolicy, confirm_send};
use herald::protocol::conversation::ReferenceKey;
use tracing::{error, info, warn};

use crate::MessageContext;
use crate::effects::Effects;
use crate::handlers::keep_alive::KeepAliveHandler;
use crate::job::lease::{Claimed, Jobs, SendResults};
use crate::job::plan::{JobPlan, cancelled_at, normalize_messages};
use crate::memory::Memories;
use crate::retry::RetryIn;
use crate::sending::burst::RecentTurns;
use crate::sending::send::Sender;
use crate::sending::send_plan::{PlanSender, SendOutcome, is_send_claimed};
use crate::sending::target::{Pace, Route, Target};
use crate::sending::typing::Typing;
use crate::streaming::open::{Streams, plan_stream, stream_of};
use crate::turn_time::{engine_timeout, is_ack_useful, send_timeout};

/// Receipt from which a turn of the FIFO queue is passed to `tasks` first: something keeps ending its workers.
const HAND_OVER_RECEIVES: u32 = 3;

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
    pub(crate) recent: RecentTurns,
    pub(crate) keep_alive: KeepAliveHandler,
}

impl TurnHandler {
    /// Answers a turn; one of the FIFO queue that has to be retried goes to `tasks`.
    pub(crate) async fn handle(&self, work: TurnWork, context: MessageContext) -> Result<(), RetryIn> {
        // A copy keeps the age.
        let work = TurnWork { arrived_at: work.arrived_at.or(context.sent_at), ..work };
        let conversation = self.sender.channel.references.key(&work.turn.reference);
        let in_burst = work.in_burst || self.waited_for_another(&conversation, &work, context);
        let answered = self.handle_aged(TurnWork { in_burst, ..work }, context).await;
        if context.is_fifo {
            self.recent.record(conversation, self.jobs.clock.now());
        }
        answered
    }

    /// Whether a turn waited in order for another one of its conversation.
    fn waited_for_another(
        &self,
        conversation: &ReferenceKey,
        work: &TurnWork,
        context: MessageContext,
    ) -> bool {
        let arrived_at = work.arrived_at.filter(|_| context.is_fifo);
        arrived_at.is_some_and(|at| self.recent.is_burst(conversation, at, self.jobs.clock.now()))
    }

    /// Answers a turn whose age is known.
    async fn handle_aged(&self, work: TurnWork, context: MessageContext) -> Result<(), RetryIn> {
        let context = context.asked_at(work.arrived_at);
        if context.is_fifo && context.receives >= HAND_OVER_RECEIVES {
            return self.hand_over(work, Duration::ZERO).await;
        }
        let Err(retry) = self.try_turn(&work, context).await else {
            return Ok(());
        };
        if !context.is_fifo {
            return Err(retry);
        }
        if retry.wait > MAX_DELAY {
            // It is stored as a timer as it is.
            return Err(retry);
        }
        self.hand_over(work, retry.wait).await
    }

    /// Passes a turn of the FIFO queue to `tasks`, where it is received after `wait`.
    async fn hand_over(&self, work: TurnWork, wait: Duration) -> Result<(), RetryIn> {
        let id = work.job.clone();
        let moved = self.tasks.send_delayed(&WorkMessage::Turn(work), wait).await;
        moved.map_err(|error| {
            let cause = error_chain(&error);
            error!(error = %cause, job.id = id.as_str(), "could not move a turn to the queue of tasks");
            RetryIn::backoff(1, &self.jobs.random)
        })
    }

    /// Answers a turn: in order, on its first receipt, the engine is asked before the claim, which then stores its answer.
    ///
    /// ```text
    /// first receipt   engine ──► claim, plan and claim of the send ──► request ──► what follows ──► record and end
    /// redelivery      claim ──► replay, or engine ──► plan and claim of the send ──► request ──► …
    /// ```
    async fn try_turn(&self, work: &TurnWork, context: MessageContext) -> Result<(), RetryIn> {
        let has_expired = context.expires_at.is_some_and(|at| self.jobs.clock.now() >= at);
        if context.is_fifo && !context.is_redelivery() && !has_expired {
            return Box::pin(self.answer_first_receipt(work, context)).await;
        }
        let claimed = self.jobs.claim(&work.job, ResendPolicy::Idempotent, context).await?;
        let Claimed::Acquired(job) = claimed else { return Ok(()) };
        let decide = Box::pin(self.decide(work, context));
        let answered = Box::pin(self.answer(work, job.clone(), decide, context));
        self.jobs.with_lease(&job, context, answered).await
    }

    /// Asks the engine, and claims the turn with its answer.
    ///
    /// A group of the FIFO queue is received by one worker at a time, so that the engine is asked twice only for an
    /// activity that is delivered twice. An engine that fails is counted under the claim.
    async fn answer_first_receipt(&self, work: &TurnWork, context: MessageContext) -> Result<(), RetryIn> {
        let decided = Box::pin(self.decide(work, context)).await.map(normalize_messages);
        let is_personal = work.turn.reference.is_personal();
        let claimed = match &decided {
            Ok(plan) if plan.is_empty() => {
                info!(job.id = work.job.as_str(), "the engine ignored an activity");
                return Ok(());
            }
            Ok(plan) if is_personal && !work.in_burst => {
                self.jobs.claim_planned(&work.job, plan, policy_of(work), context).await?
            }
            // In a group or a burst a send may have to wait for its slot.
            Ok(_) | Err(_) => self.jobs.claim(&work.job, ResendPolicy::Idempotent, context).await?,
        };
        let Claimed::Acquired(job) = claimed else { return Ok(()) };
        let answered = async {
            if is_send_claimed(&job) {
                let route = self.route_of(work, context);
                let outcome = Box::pin(self.plans.send_claimed(job.clone(), route)).await?;
                return self.conclude(work, outcome, route).await;
            }
            self.answer(work, job.clone(), ready(decided), context).await
        };
        self.jobs.with_lease(&job, context, Box::pin(answered)).await
    }

    /// Plans the answer to a claimed turn, sends it and completes the job.
    async fn answer(
        &self,
        work: &TurnWork,
        job: Job,
        decide: impl Future<Output = Result<Plan, EngineError>>,
        context: MessageContext,
    ) -> Result<(), RetryIn> {
        let apology = awaits_answer(&work.turn).then(|| self.engine.failure_notice());
        let plan = JobPlan::replay_or_decide(&self.jobs, job, apology, decide).await?;
        if let Some(next) = follow_on_job(work, plan.job.plan.as_ref())
            && self.jobs.is_confirmed_by(&plan.job, &next).await?
        {
            // It was enqueued too.
            let job = confirm_send(plan.job, self.jobs.clock.now());
            return self.jobs.complete(job, Ok(SendResults::default())).await;
        }
        let plan = Box::pin(self.streams.open(plan, &work.turn)).await;
        let plan = Box::pin(self.effects.apply_plan_effects(plan, &work.turn.reference)).await?;
        let route = self.route_of(work, context);
        let outcome = Box::pin(self.plans.send_plan(plan, route)).await?;
        self.conclude(work, outcome, route).await
    }

    /// Enqueues what follows from the sends of a turn, and completes the job.
    async fn conclude(&self, work: &TurnWork, outcome: SendOutcome, route: Route<'_>) -> Result<(), RetryIn> {
        let SendOutcome::InProgress(job, sent) = outcome else { return Ok(()) };
        let sent = Box::pin(self.streams.fall_back_to_message(&job, sent, route)).await;
        let carried_out = match sent {
            Ok(results) => Box::pin(self.enqueue_next(work, &job, results, route)).await,
            Err(retry) => Err(retry),
        };
        self.jobs.complete(*job, carried_out).await
    }

    /// Calls the engine and returns the plan of its response, or of the default ack after the time limit.
    async fn decide(&self, work: &TurnWork, context: MessageContext) -> Result<Plan, EngineError> {
        let limit = match work.no_deadline {
            true => None,
            false => engine_timeout(self.age(work), context.is_fifo),
        };
        let Some(response) = Box::pin(self.call_engine(work, limit, context)).await else {
            warn!(
                job.id = work.job.as_str(),
                "the engine exceeded its time limit: it is called again without one"
            );
            let is_wanted = is_ack_useful(self.age(work)) && awaits_answer(&work.turn);
            let ack = is_wanted.then(|| self.engine.default_ack(&work.turn));
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
                Plan { next: Some(FollowOn::Task(task)), ..plan_stream(&work.turn, status) }
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

    /// Returns the answer of the engine; `None` where it exceeds its `limit`.
    async fn call_engine(
        &self,
        work: &TurnWork,
        limit: Option<Duration>,
        context: MessageContext,
    ) -> Option<Result<Response, EngineError>> {
        let call = async {
            let turn_with_memory = match self.engine.needs_memory(&work.turn) {
                true => Some(Turn {
                    memory: self.memories.load_memory(&work.turn.reference).await,
                    ..work.turn.clone()
                }),
                false => None,
            };
            let turn = turn_with_memory.as_ref().unwrap_or(&work.turn);
            let answer = self.engine.on_activity(turn);
            match limit {
                Some(_) => self.typing.with_typing(turn, answer).await,
                None => answer.await,
            }
        };
        match limit {
            Some(limit) if limit.is_zero() => None,
            Some(limit) => timeout(self.jobs.clock.as_ref(), limit, call).await,
            None => Some(cancelled_at(&self.jobs, &work.job, context.engine_until, call).await),
        }
    }

    /// Returns the time since the channel delivered the activity of a turn.
    fn age(&self, work: &TurnWork) -> Duration {
        let now = self.jobs.clock.now();
        Duration::try_from(now.duration_since(work.arrived_at.unwrap_or(now))).unwrap_or_default()
    }

    /// Returns the route of the answer to a turn, whose send in order ends before its ack is late.
    fn route_of<'a>(&self, work: &'a TurnWork, context: MessageContext) -> Route<'a> {
        Route {
            target: Target::Answer(&work.turn),
            policy: policy_of(work),
            is_fifo: context.is_fifo,
            timeout: context.is_fifo.then(|| send_timeout(self.age(work))),
            pace: Pace::of(work.in_burst),
        }
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
            Some(FollowOn::Step { .. } | FollowOn::Wait { .. }) => return Ok(results),
            Some(FollowOn::Task(task)) => {
                let ack_activity = job.shown_activity().cloned();
                let (ack, reference) = (Some(work.job.clone()), work.turn.reference.clone());
                let task = TaskWork::new(task_job(work), task, reference);
                WorkMessage::Task(TaskWork {
                    ack,
                    ack_activity,
                    stream: stream.clone(),
                    asked_at: work.arrived_at,
                    in_burst: work.in_burst,
                    ..task
                })
            }
            Some(FollowOn::RetryWithoutDeadline) => {
                let job = unhurried_job(work);
                WorkMessage::Turn(TurnWork { job, no_deadline: true, ..work.clone() })
            }
        };
        let Err(error) = self.tasks.send_delayed(&next, Duration::ZERO).await else {
            if let (WorkMessage::Task(TaskWork { job: task, reference, .. }), Some(stream)) = (next, stream) {
                // After the task: a record of the keep-alive shows that the task is queued.
                self.keep_alive.enqueue(KeepAliveWork { task, reference, stream }).await;
            }
            return Ok(results);
        };
        error!(error = %error_chain(&error), job.id = work.job.as_str(), "could not enqueue what follows from a turn");
        if matches!(error, QueueError::Body(_)) {
            // It never fits into a message; the user, who waits for an answer, gets an apology.
            let job = work.job.part(Part::Apology, 0);
            return self.sender.send_all(&job, route, &[self.engine.failure_notice()]).await;
        }
        Err(RetryIn::backoff(2, &self.jobs.random))
    }
}

/// Returns how often a send of a turn may be repeated, and when: its answer is a follow-up where a default ack came first.
fn policy_of(work: &TurnWork) -> ResendPolicy {
    if work.no_deadline { ResendPolicy::Answer } else { ResendPolicy::Ack }
}

/// Whether a person waits for an answer: to a message that is meant for the agent. Of others a group sees nothing unless the
/// engine responds.
fn awaits_answer(turn: &Turn) -> bool {
    turn.activity.is("message") && turn.is_addressed()
}

/// Returns the job of what `plan` enqueues after its sends.
fn follow_on_job(work: &TurnWork, plan: Option<&Plan>) -> Option<JobId> {
    match plan?.next.as_ref()? {
        FollowOn::Task(_) => Some(task_job(work)),
        FollowOn::RetryWithoutDeadline => Some(unhurried_job(work)),
        // Only a task has steps.
        FollowOn::Step { .. } | FollowOn::Wait { .. } => None,
    }
}

/// Returns the job of the task that follows from a turn.
fn task_job(work: &TurnWork) -> JobId {
    work.job.part(Part::Task, 0)
}

/// Returns the job of the second call of the engine, without a limit.
fn unhurried_job(work: &TurnWork) -> JobId {
    work.job.part(Part::WithoutDeadline, 0)
}
