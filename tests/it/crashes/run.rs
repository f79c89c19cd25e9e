//! One run of a scenario with crashes: triggers it, works until nothing is left, and checks the bounds.

use std::sync::Arc;

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineError, Notification, Progress, Recipient, Response, TaskResponse, TaskRun, Turn,
};
use herald::jobs::{JobId, State};
use herald::protocol::activity::Activity;
use local::channel_emulator::{Fault, Operation, Refusal};
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

use super::bounds::Observed;
use super::harness::Harness;
use super::injector::{CrashInjector, Effect, Ending, Event, Point, is_at_a_send};
use super::mutant::Mutant;
use super::scenario::{SIGNAL, Scenario, WAIT};

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

/// Runs `scenario` with the end of a process at each of `points`; `usual` holds the effects of a run without crashes.
pub(super) async fn play(
    scenario: Scenario,
    points: &[Point],
    usual: &[Effect],
    ending: Ending,
    mutant: Option<Mutant>,
) -> Played {
    let injector = CrashInjector::new(points, ending);
    let clock = TestBundle::clock_at_start();
    let engine = ObservedEngine { engine: scenario.engine(clock.clone()), injector: injector.clone() };
    let mut harness = Harness::start(Arc::new(engine), clock, injector.clone(), mutant).await;
    let result = trigger(scenario, &mut harness).await;
    let (log, left) = (injector.log(), injector.left());
    let jobs = harness.jobs().await;
    let unknown = jobs.iter().filter(|job| job.state == State::Unknown).count();
    let observed = Observed {
        scenario,
        faults: points.len() - left + usize::from(scenario == Scenario::GatewayError),
        is_suspended: injector.suspends() && !points.is_empty(),
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

async fn trigger(scenario: Scenario, harness: &mut Harness) -> Result<(), String> {
    let person = harness.bundle.channel().add_person("Alex");
    if scenario == Scenario::Notification {
        let event =
            harness.bundle.event(json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id }));
        harness.fire(&event).await?;
    } else {
        let activity = harness.bundle.channel().message(&person, "report");
        if scenario == Scenario::GatewayError {
            let refusal = Refusal::new(503, "ServiceUnavailable", "The service is unavailable");
            harness.bundle.channel().fail_on(Operation::Send, Fault::Status(refusal));
        }
        harness.injector.refuse_turns(scenario == Scenario::Outage);
        let signal = json!({ "version": 1, "signal": { "key": SIGNAL } });
        if scenario == Scenario::SignalFirst {
            harness.fire(&signal).await?;
            harness.settle_queues().await?;
        }
        harness.deliver(&activity).await?;
        harness.injector.refuse_turns(false);
        match scenario {
            Scenario::Signal | Scenario::SignalFirst => {
                harness.settle_queues().await?;
                if scenario == Scenario::Signal {
                    harness.fire(&signal).await?;
                }
                // The deadline stays stored.
                return harness.settle_queues().await;
            }
            Scenario::Deadline => {
                harness.settle_queues().await?;
                harness.bundle.clock().advance(WAIT.unsigned_abs());
            }
            Scenario::FollowUp
            | Scenario::Replacement
            | Scenario::Stream
            | Scenario::Notification
            | Scenario::Outage
            | Scenario::GatewayError => {}
        }
    }
    harness.settle().await
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
        let job = JobId::of_task(&run.idempotency_key).task_step(run.number);
        self.injector.engine_called(Some(job.to_string()));
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
