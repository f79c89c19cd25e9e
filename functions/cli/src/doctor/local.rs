//! This machine: the bundle is started in memory on free ports and each part is tried, as far as the engine is not asked.
//! The agent proves who it is as on AWS, with a federated identity; nothing outlives the check.

use std::sync::Arc;

use herald::agent::{EngineContext, NoSecrets};
use herald::app::Agent;
use herald::aws::config;
use herald::aws::config::TENANT_RATE;
use herald::aws::diagnostics::{Finding, Report, Request, VERSION};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::random::Random;
use lambda_runtime::{Context, LambdaEvent};
use worker::event_handler;

use super::schedules::next_firing;
use local::aws_emulator::Delays;
use local::aws_emulator::template::{ScheduleDefinition, fire};
use local::channel_emulator::FederatedCredential;
use local::{ChannelSource, Local, LocalOptions};

const STACK: &str = "local stack";

/// Findings about the bundle on this machine.
pub(super) struct LocalChecks {
    /// The stack, inbound, proactive and the schedules.
    pub(super) parts: Vec<Finding>,
    /// Findings of the worker about itself; none where it could not be started.
    pub(super) worker: Vec<Finding>,
}

/// Tries everything.
pub(super) async fn check(agent: &Agent, clock: &Arc<dyn Clock>) -> LocalChecks {
    let context = EngineContext { vars: &|_| None, secrets: Arc::new(NoSecrets), clock: clock.clone() };
    let engine = match (agent.build)(&context) {
        Ok(engine) => engine,
        Err(error) => {
            let fix = "correct the engine's builder";
            let parts = vec![Finding::failed("engine", error_chain(error.as_ref()).to_string(), fix)];
            return LocalChecks { parts, worker: Vec::new() };
        }
    };
    let options = LocalOptions {
        state: None,
        port: 0,
        source: ChannelSource::Emulated,
        credential: Some(config::Credential::Federated),
        engine,
        suggestion: agent.suggestion.clone(),
        clock: clock.clone(),
        random: Random::system(),
        delays: Delays::Kept,
        tenant_rate: TENANT_RATE,
    };
    let local = match Local::start(options).await {
        Ok(local) => local,
        Err(error) => {
            let fix = "mend what it names; without a change of yours, report this as a defect of Herald";
            let parts = vec![Finding::failed(STACK, error_chain(&error).to_string(), fix)];
            return LocalChecks { parts, worker: Vec::new() };
        }
    };
    let template = &local.template;
    let (queues, schedules) = (template.queues.len(), template.schedules.len());
    let created = format!("template.yaml is read; tables: 1, queues: {queues}, schedules: {schedules}");
    let mut parts = vec![Finding::passed(STACK, created), inbound(&local).await];
    for schedule in &template.schedules {
        parts.push(firing(&local, schedule, clock.as_ref()).await);
    }
    let worker = worker(&local).await;
    if let Err(error) = local.stop().await {
        parts.push(Finding::failed(
            STACK,
            error_chain(&error).to_string(),
            "report this as a defect of Herald",
        ));
    }
    LocalChecks { parts, worker }
}

/// Inbound takes what the channel signed, and nothing else. What it takes is queued and never worked on.
async fn inbound(local: &Local) -> Finding {
    const WHAT: &str = "inbound";
    let channel = &local.channel;
    let hello = channel.message(&channel.add_person("Alex"), "hello");
    let unsigned = channel.deliver_with(hello.clone(), None).await;
    let signed = channel.deliver(hello).await;
    let (cause, fix) = match (unsigned, signed) {
        (Ok(unsigned), Ok(signed)) if (unsigned.status, signed.status) == (401, 202) => {
            return Finding::passed(WHAT, "takes a signed activity (202) and refuses an unsigned one (401)");
        }
        (Ok(unsigned), Ok(signed)) => (
            format!(
                "answered {} to a signed activity and {} to an unsigned one",
                signed.status, unsigned.status
            ),
            "expected are 202 and 401: run it with LOG_LEVEL=info, which says why",
        ),
        (Err(error), _) | (_, Err(error)) => (
            error_chain(&error).to_string(),
            "let this machine connect to itself (127.0.0.1): check its firewall",
        ),
    };
    Finding::failed(WHAT, cause, fix)
}

/// The event of a self-check through the handler, as Lambda would hand it over.
async fn worker(local: &Local) -> Vec<Finding> {
    local.channel.add_federated_credential(FederatedCredential {
        issuer: local.stack.identity().issuer().to_owned(),
        subject: local.stack.identity().subject().unwrap_or_default(),
        audience: local.bundle.worker.parts().connector.cloud.token_exchange.clone(),
    });
    match ask(local).await {
        Ok(report) => report.findings,
        Err(error) => {
            let fix = "report this as a defect of Herald";
            vec![Finding::failed("worker", error_chain(error.as_ref()).to_string(), fix)]
        }
    }
}

async fn ask(local: &Local) -> Result<Report, lambda_runtime::Error> {
    let event = serde_json::to_value(Request::SelfCheck { version: VERSION })?;
    let event = LambdaEvent::new(serde_json::from_value(event)?, Context::default());
    let answer = event_handler::answer(&local.bundle.worker, event).await?;
    Ok(serde_json::from_value(serde_json::to_value(answer)?)?)
}

/// When it fires next, and that proactive takes its event and plans it.
async fn firing(local: &Local, schedule: &ScheduleDefinition, clock: &dyn Clock) -> Finding {
    let what = format!("schedule {}", schedule.name);
    let Some(due) = schedule.next_after(clock.now()) else {
        let why =
            if schedule.enabled { "it does not fire any more" } else { "it is disabled in template.yaml" };
        return Finding::skipped(what, why);
    };
    let expression = &schedule.schedule_expression;
    let next = next_firing(expression, clock.now());
    match local.fire(fire(schedule, due)).await {
        Ok(_) => {
            let (expression, zone) = (expression.as_str(), expression.zone());
            Finding::passed(what, format!("{expression} in {zone}, {next}; proactive takes what it sends"))
        }
        Err(error) => {
            let fix = "correct its Input in template.yaml: the README has an example";
            Finding::failed(
                what,
                format!("proactive refuses what it sends: {}", error_chain(error.as_ref())),
                fix,
            )
        }
    }
}
