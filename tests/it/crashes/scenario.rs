//! The enumerated scenarios, and a run of one with crashes. The points come from a run without crashes, so no number of
//! them is fixed. `bounds` checks the result.

use herald::agent::{
    Engine, EngineError, Notification, Progress, Recipient, Response, TaskResponse, TaskRun, Turn,
};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use herald::clock::Clock;
use herald::jobs::State;
use herald::jobs::timers::Minute;
use herald::protocol::activity::Activity;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

use super::bounds::Observed;
use super::harness::Harness;
use super::injector::{CrashInjector, Effect, Event, Point, is_at_a_send};
use super::mutant::Mutant;

pub(super) const ACK: &str = "On it.";
pub(super) const ANSWER: &str = "Here it is.";
const NEWS: &str = "News.";

/// One sequence of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Query, ack, task, follow-up.
    FollowUp,
    /// Query, ack, task, answer that replaces the ack.
    Replacement,
    /// Query, first chunk of a stream, task, chunks, final chunk.
    Stream,
    /// Notification, conversation created, message.
    Notification,
    /// Query while the queue is down, timer, tick, reply.
    Outage,
}

/// Result of one run.
pub(super) struct Played {
    pub(super) log: Vec<Event>,
    /// Number of chosen points that were not reached.
    pub(super) left: usize,
    /// Number of messages that were shown twice, and of jobs that ended as unknown.
    pub(super) twice: usize,
    pub(super) unknown: usize,
    /// The bound that did not hold.
    pub(super) broken: Option<String>,
}

impl Scenario {
    pub(super) const ALL: [Self; 5] =
        [Self::FollowUp, Self::Replacement, Self::Stream, Self::Notification, Self::Outage];

    fn engine(self, clock: Arc<dyn Clock>) -> ScriptedEngine {
        let pause = Duration::from_millis(1_200);
        match self {
            Self::Stream => ScriptedEngine::streaming(
                ACK,
                &[(pause, "Here"), (pause, " it"), (pause, " is.")],
                TaskResponse::done([Activity::message(ANSWER)]),
                clock,
            ),
            Self::FollowUp => ScriptedEngine::deferring(ACK, ANSWER),
            Self::Replacement => ScriptedEngine::replacing(ACK, ANSWER),
            Self::Notification => ScriptedEngine::notifying(NEWS),
            Self::Outage => ScriptedEngine::replying(ANSWER),
        }
    }

    /// Returns the texts that are shown as messages of their own.
    pub(super) fn sends(self) -> &'static [&'static str] {
        match self {
            Self::FollowUp => &[ACK, ANSWER],
            Self::Replacement => &[ACK],
            // Its first chunk is no message, and its end is checked as the answer.
            Self::Stream => &[],
            Self::Notification => &[NEWS],
            Self::Outage => &[ANSWER],
        }
    }

    async fn trigger(self, harness: &mut Harness) -> Result<(), String> {
        let person = harness.bundle.channel().add_person("Alex");
        if self == Self::Notification {
            let event = harness
                .bundle
                .event(json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id }));
            harness.fire(&event).await?;
        } else {
            let activity = harness.bundle.channel().message(&person, "report");
            harness.injector.refuse_turns(self == Self::Outage);
            // Moves the watermark close to now, so that the next tick has few minutes to read.
            let drained = Minute(Minute::of(harness.bundle.clock().now()).0 - 3);
            let timers = &harness.bundle.local().bundle.proactive.timers;
            timers.advance_watermark(drained).await.map_err(|error| error.to_string())?;
            harness.deliver(&activity).await?;
            harness.injector.refuse_turns(false);
        }
        harness.settle().await
    }
}

/// Runs `scenario` with a crash at each of `points`; `usual` holds the effects of a run without crashes.
pub(super) async fn play(
    scenario: Scenario,
    points: &[Point],
    usual: &[Effect],
    mutant: Option<Mutant>,
) -> Played {
    let injector = CrashInjector::new(points);
    let clock = TestBundle::clock_at_start();
    let engine = ObservedEngine { engine: scenario.engine(clock.clone()), injector: injector.clone() };
    let mut harness = Harness::start(Arc::new(engine), clock, injector.clone(), mutant).await;
    let result = scenario.trigger(&mut harness).await;
    let (log, left) = (injector.log(), injector.left());
    let jobs = harness.jobs().await;
    let unknown = jobs.iter().filter(|job| job.state == State::Unknown).count();
    let observed = Observed {
        scenario,
        crashes: points.len() - left,
        may_be_unknown: points.len() > 1 || points.iter().any(|point| is_at_a_send(point, usual)),
        entries: harness.bundle.channel().entries(),
        log: &log,
        unknown,
        resends: jobs.iter().map(|job| job.resends).max().unwrap_or(0),
    };
    let twice = scenario.sends().iter().filter(|text| observed.copies(text) > 1).count();
    let has_reference = harness.has_items("reference#").await;
    let leftovers = harness.bundle.close().await;
    let broken = result.err().or_else(|| observed.broken());
    let broken = broken.or_else(|| (!has_reference).then(|| "there is no reference".to_owned()));
    let broken = broken.or_else(|| (!leftovers.is_empty()).then(|| leftovers.join(", ")));
    Played { log, left, twice, unknown, broken }
}

/// The engine of a scenario, which logs its calls.
struct ObservedEngine {
    engine: ScriptedEngine,
    injector: Arc<CrashInjector>,
}

#[async_trait]
impl Engine for ObservedEngine {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        self.injector.engine_called(None);
        self.engine.on_activity(turn).await
    }

    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError> {
        self.injector.engine_called(Some(run.idempotency_key.to_string()));
        self.engine.run_task(run, progress).await
    }

    async fn on_notification(
        &self,
        notification: &Notification,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        self.injector.engine_called(None);
        self.engine.on_notification(notification, recipient).await
    }
}
