//! The schedules in EventBridge Scheduler: enabled, when and in which zone, what they call, and with a dead-letter queue.
//! The stack has a group of its own, called as the stack is; in the default group Herald's are known by their input.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::SdkError;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{ScheduleState, ScheduleSummary};
use herald::aws::diagnostics::{AwsRequest, Finding, explain};
use herald::aws::failure::AwsFailure;
use jiff::Timestamp;
use proactive::validate_event;
use serde_json::Value;

use local::aws_emulator::template::{ScheduleExpression, expanded};

/// Where a schedule is that names no group.
const DEFAULT_GROUP: &str = "default";

/// Most schedules that are looked at.
const MOST: usize = 100;

/// Checks the schedules of `group`, or Herald's among those of the default group.
pub(super) async fn check(client: &Client, group: Option<&str>, now: Timestamp) -> Vec<Finding> {
    let name = group.unwrap_or(DEFAULT_GROUP);
    let listed: Result<Vec<_>, _> =
        client.list_schedules().group_name(name).into_paginator().items().send().collect().await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return vec![unread(client, "scheduler:ListSchedules", name, &AwsFailure::of(error))],
    };
    let mut findings = Vec::new();
    let mut has_tick = false;
    for summary in listed.iter().take(MOST) {
        match get(client, name, summary).await {
            Ok(schedule) if group.is_some() || is_heralds(&schedule) => {
                has_tick |= input(&schedule).as_ref().is_some_and(sends_tick);
                findings.push(judge(&schedule, now));
            }
            Ok(_) => {}
            Err(error) => {
                findings.push(unread(client, "scheduler:GetSchedule", name, &AwsFailure::of(error)));
                break;
            }
        }
    }
    if listed.len() > MOST {
        let why = format!("group `{name}` holds {}: only the first {MOST} were looked at", listed.len());
        findings.push(Finding::skipped("schedules", why));
    } else if !has_tick && !findings.iter().any(Finding::has_failed) && !findings.is_empty() {
        let cause = format!("none in group `{name}` sends the tick: what is to come later never comes");
        findings.push(Finding::failed(
            "schedules",
            cause,
            "deploy the template again: it has the schedule `tick`",
        ));
    }
    if findings.is_empty() {
        let why = match group {
            Some(name) => format!("group `{name}` holds none"),
            None => {
                "none of Herald's is in the default group; set SCHEDULE_GROUP to the stack's name".to_owned()
            }
        };
        findings.push(Finding::skipped("schedules", why));
    }
    findings
}

async fn get(
    client: &Client,
    group: &str,
    summary: &ScheduleSummary,
) -> Result<GetScheduleOutput, SdkError<aws_sdk_scheduler::operation::get_schedule::GetScheduleError>> {
    client.get_schedule().group_name(group).name(summary.name().unwrap_or_default()).send().await
}

fn unread(client: &Client, action: &str, group: &str, failure: &AwsFailure) -> Finding {
    let asked = AwsRequest {
        action,
        resource: &format!("schedule group `{group}`"),
        region: client.config().region().map(AsRef::as_ref),
        if_missing: "set SCHEDULE_GROUP to the stack's name, and AWS_REGION to its region",
    };
    let (cause, fix) = explain(failure, &asked);
    Finding::failed("schedules", cause, fix)
}

fn input(schedule: &GetScheduleOutput) -> Option<Value> {
    serde_json::from_str(schedule.target()?.input()?).ok()
}

/// Only what Herald's own function is sent has one of these members.
fn is_heralds(schedule: &GetScheduleOutput) -> bool {
    input(schedule).is_some_and(|input| input.get("notification").is_some() || sends_tick(&input))
}

fn sends_tick(input: &Value) -> bool {
    input.get("tick").is_some()
}

fn judge(schedule: &GetScheduleOutput, now: Timestamp) -> Finding {
    let name = schedule.name().unwrap_or_default();
    let what = format!("schedule {name}");
    let expression = schedule.schedule_expression().unwrap_or_default();
    let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
    if schedule.state() == Some(&ScheduleState::Disabled) {
        let fix = "enable it (`aws scheduler update-schedule`, or deploy the template again), or delete it";
        return Finding::failed(what, "it is disabled and never fires", fix);
    }
    let Some(target) = schedule.target() else {
        return Finding::failed(what, "it has no target", "deploy the template again, or delete it");
    };
    if target.dead_letter_config().and_then(|config| config.arn()).is_none() {
        let cause = "it has no dead-letter queue: a firing that cannot call its target is lost";
        return Finding::failed(
            what,
            cause,
            "set its DeadLetterConfig to ProactiveDeadLetters, as the template does",
        );
    }
    if let Some(event) = input(schedule).filter(|_| is_heralds(schedule))
        && let Err(error) = validate_event(expanded(&event, schedule.arn().unwrap_or("arn"), &time(now)))
    {
        let fix = "correct its Input: template.yaml has an example, and the README says what an audience is";
        return Finding::failed(what, format!("proactive refuses what it sends: {error}"), fix);
    }
    let calls = target.arn().rsplit(':').next().unwrap_or_default();
    Finding::passed(what, format!("{}, calls {calls}", when(expression, zone, now)))
}

/// A `rate` counts from when the schedule was made, which is not asked.
fn when(expression: &str, zone: &str, now: Timestamp) -> String {
    let parsed = ScheduleExpression::parse(expression, zone).ok().filter(|_| !expression.starts_with("rate"));
    let next = parsed.map(|expression| next_firing(&expression, now));
    let next = next.map(|next| format!(", {next}")).unwrap_or_default();
    format!("{expression} in {zone}{next}")
}

/// When it fires next, on the clock of its zone.
pub(super) fn next_firing(expression: &ScheduleExpression, now: Timestamp) -> String {
    match expression.next_after(now).map(|next| next.in_tz(expression.zone())) {
        Some(Ok(next)) => format!("next on {}", next.strftime("%a %Y-%m-%d at %H:%M")),
        Some(Err(_)) | None => "not to fire any more".to_owned(),
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
