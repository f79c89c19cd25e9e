//! Checks this machine: starts the bundle in memory on free ports, and exercises each part except the engine.
//! The agent authenticates with a federated credential, as on AWS. Nothing is stored.

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
use local::aws_emulator::Delays;
use local::aws_emulator::template::{ScheduleDefinition, fire};
use local::channel_emulator::FederatedCredential;
use local::{ChannelSource, Local, LocalOptions};
use worker::event_handler;

use super::schedules::next_run;

const STACK: &str = "local stack";

/// The findings about the bundle on this machine.
pub(super) struct LocalChecks {
    /// Findings about the stack, inbound, proactive and the schedules.
    pub(super) parts: Vec<Finding>,
    /// Findings of the self-check of the worker; empty if the bundle could not be started.
    pub(super) worker: Vec<Finding>,
}

/// Starts the bundle, and checks each part.
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
            let fix = "fix the named cause; if you changed nothing, report a defect of Herald";
            let parts = vec![Finding::failed(STACK, error_chain(&error).to_string(), fix)];
            return LocalChecks { parts, worker: Vec::new() };
        }
    };
    let template = &local.template;
    let (queues, schedules) = (template.queues.len(), template.schedules.len());
    let created = format!("template.yaml is valid; tables: 1, queues: {queues}, schedules: {schedules}");
    let mut parts = vec![Finding::passed(STACK, created), inbound(&local).await];
    for schedule in &template.schedules {
        parts.push(run_schedule(&local, schedule, clock.as_ref()).await);
    }
    let worker = worker(&local).await;
    if let Err(error) = local.stop().await {
        parts.push(Finding::failed(STACK, error_chain(&error).to_string(), "report a defect of Herald"));
    }
    LocalChecks { parts, worker }
}

/// Checks that inbound accepts a signed activity and rejects an unsigned one; the accepted one is queued, not handled.
async fn inbound(local: &Local) -> Finding {
    const WHAT: &str = "inbound";
    let channel = &local.channel;
    let hello = channel.message(&channel.add_person("Alex"), "hello");
    let unsigned = channel.deliver_with(hello.clone(), None).await;
    let signed = channel.deliver(hello).await;
    let (cause, fix) = match (unsigned, signed) {
        (Ok(unsigned), Ok(signed)) if (unsigned.status, signed.status) == (401, 202) => {
            return Finding::passed(WHAT, "accepts a signed activity (202), rejects an unsigned one (401)");
        }
        (Ok(unsigned), Ok(signed)) => (
            format!(
                "answered {} to a signed activity and {} to an unsigned one",
                signed.status, unsigned.status
            ),
            "expected 202 and 401: run with LOG_LEVEL=info, which logs the reason",
        ),
        (Err(error), _) | (_, Err(error)) => (
            error_chain(&error).to_string(),
            "allow connections to 127.0.0.1: check the firewall of this machine",
        ),
    };
    Finding::failed(WHAT, cause, fix)
}

/// Runs the self-check of the worker and returns its findings.
async fn worker(local: &Local) -> Vec<Finding> {
    local.channel.add_federated_credential(FederatedCredential {
        issuer: local.stack.identity().issuer().to_owned(),
        subject: local.stack.identity().subject().unwrap_or_default(),
        audience: local.functions.worker.parts().connector.cloud.token_exchange.clone(),
    });
    match self_check(local).await {
        Ok(report) => report.findings,
        Err(error) => {
            let fix = "report a defect of Herald";
            vec![Finding::failed("worker", error_chain(error.as_ref()).to_string(), fix)]
        }
    }
}

/// Sends the event of a self-check to the handler of the worker, as Lambda does.
async fn self_check(local: &Local) -> Result<Report, lambda_runtime::Error> {
    let event = serde_json::to_value(Request::SelfCheck { version: VERSION })?;
    let event = LambdaEvent::new(serde_json::from_value(event)?, Context::default());
    let answer = event_handler::answer(&local.functions.worker, event).await?;
    Ok(serde_json::from_value(serde_json::to_value(answer)?)?)
}

/// Checks when a schedule runs next, and that proactive accepts its event.
async fn run_schedule(local: &Local, schedule: &ScheduleDefinition, clock: &dyn Clock) -> Finding {
    let what = format!("schedule {}", schedule.name);
    let Some(due) = schedule.next_after(clock.now()) else {
        let why = if schedule.enabled { "no further runs" } else { "disabled in template.yaml" };
        return Finding::skipped(what, why);
    };
    let expression = &schedule.schedule_expression;
    let next = next_run(expression, clock.now());
    match local.fire(fire(schedule, due)).await {
        Ok(answer) if answer.get("failed").is_some() => {
            let cause = format!("its tick failed: {}", answer["failed"]);
            Finding::failed(what, cause, "report a defect of Herald")
        }
        Ok(_) => {
            let (expression, zone) = (expression.as_str(), expression.zone());
            Finding::passed(what, format!("{expression} in {zone}, {next}; proactive accepts its event"))
        }
        Err(error) => {
            let fix = "correct its Input in template.yaml: docs/operations.md has examples";
            Finding::failed(
                what,
                format!("proactive rejects its event: {}", error_chain(error.as_ref())),
                fix,
            )
        }
    }
}
