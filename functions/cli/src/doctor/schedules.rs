//! Checks the schedules in EventBridge Scheduler: state, next run, target, event, and dead-letter queue.
//! The stack has a group of its own, with its name; in the default group, schedules of Herald are recognized by their input.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::SdkError;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{ScheduleState, ScheduleSummary};
use herald::aws::diagnostics::{AwsRequest, Finding, explain};
use herald::aws::failure::AwsFailure;
use jiff::Timestamp;
use local::aws_emulator::template::{ScheduleExpression, expanded};
use proactive::validate_event;
use serde_json::Value;

use crate::commands::expression_of;

/// The group of schedules that name none.
const DEFAULT_GROUP: &str = "default";

/// Largest number of schedules that are checked.
const MAX_CHECKED: usize = 100;

/// Checks the schedules of `group`; without one, those of Herald in the default group.
pub(super) async fn check(client: &Client, group: Option<&str>, now: Timestamp) -> Vec<Finding> {
    let name = group.unwrap_or(DEFAULT_GROUP);
    let listed: Result<Vec<_>, _> =
        client.list_schedules().group_name(name).into_paginator().items().send().collect().await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            return vec![unavailable(client, "scheduler:ListSchedules", name, &AwsFailure::of(error))];
        }
    };
    let mut findings = Vec::new();
    let mut has_tick = false;
    for summary in listed.iter().take(MAX_CHECKED) {
        match get(client, name, summary).await {
            Ok(schedule) if group.is_some() || is_of_herald(&schedule) => {
                has_tick |= input(&schedule).as_ref().is_some_and(sends_tick);
                findings.push(check_schedule(&schedule, now));
            }
            Ok(_) => {}
            Err(error) => {
                findings.push(unavailable(client, "scheduler:GetSchedule", name, &AwsFailure::of(error)));
                break;
            }
        }
    }
    if listed.len() > MAX_CHECKED {
        let why = format!("only the first {MAX_CHECKED} of {} in group `{name}` were checked", listed.len());
        findings.push(Finding::skipped("schedules", why));
    } else if !has_tick && !findings.iter().any(Finding::has_failed) && !findings.is_empty() {
        let cause = format!("no schedule in group `{name}` sends the tick: delayed work is never done");
        findings.push(Finding::failed(
            "schedules",
            cause,
            "deploy the template again: it creates the schedule `tick`",
        ));
    }
    if findings.is_empty() {
        let why = match group {
            Some(name) => format!("no schedules in group `{name}`"),
            None => "no schedules of Herald in the default group; set SCHEDULE_GROUP to the stack's name"
                .to_owned(),
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

fn unavailable(client: &Client, action: &str, group: &str, failure: &AwsFailure) -> Finding {
    let request = AwsRequest {
        action,
        resource: &format!("schedule group `{group}`"),
        region: client.config().region().map(AsRef::as_ref),
        if_missing: "set SCHEDULE_GROUP to the stack's name, and AWS_REGION to its region",
    };
    let (cause, fix) = explain(failure, &request);
    Finding::failed("schedules", cause, fix)
}

fn input(schedule: &GetScheduleOutput) -> Option<Value> {
    serde_json::from_str(schedule.target()?.input()?).ok()
}

/// Whether the schedule sends an event of Herald, by the members of its input.
fn is_of_herald(schedule: &GetScheduleOutput) -> bool {
    input(schedule).is_some_and(|input| input.get("notification").is_some() || sends_tick(&input))
}

fn sends_tick(input: &Value) -> bool {
    input.get("tick").is_some()
}

/// Checks one schedule.
fn check_schedule(schedule: &GetScheduleOutput, now: Timestamp) -> Finding {
    let name = schedule.name().unwrap_or_default();
    let what = format!("schedule {name}");
    if schedule.state() == Some(&ScheduleState::Disabled) {
        let fix = "enable it (`aws scheduler update-schedule`, or deploy the template again), or delete it";
        return Finding::failed(what, "disabled: it never runs", fix);
    }
    let Some(target) = schedule.target() else {
        return Finding::failed(what, "no target", "deploy the template again, or delete it");
    };
    // A tick that cannot invoke its target is not lost: the next one does its work.
    let is_tick = input(schedule).as_ref().is_some_and(sends_tick);
    if !is_tick && target.dead_letter_config().and_then(|config| config.arn()).is_none() {
        let cause = "no dead-letter queue: a run that cannot invoke its target is lost";
        return Finding::failed(
            what,
            cause,
            "set its DeadLetterConfig to ProactiveDeadLetters, as the template does",
        );
    }
    if let Some(event) = input(schedule).filter(|_| is_of_herald(schedule))
        && let Err(error) = validate_event(expanded(&event, schedule.arn().unwrap_or("arn"), &time(now)))
    {
        let fix = "correct its Input: template.yaml and docs/operations.md have examples";
        return Finding::failed(what, format!("proactive rejects its event: {error}"), fix);
    }
    let function = target.arn().rsplit(':').next().unwrap_or_default();
    Finding::passed(what, format!("{}, invokes {function}", timing(schedule, now)))
}

/// Returns the expression with its next run.
fn timing(schedule: &GetScheduleOutput, now: Timestamp) -> String {
    let expression = schedule.schedule_expression().unwrap_or_default();
    let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
    let known = expression_of(schedule).ok().filter(ScheduleExpression::is_anchored);
    let next = known.map(|expression| format!(", {}", next_run(&expression, now))).unwrap_or_default();
    format!("{expression} in {zone}{next}")
}

/// Returns the next run in the zone of the schedule, as text.
pub(super) fn next_run(expression: &ScheduleExpression, now: Timestamp) -> String {
    match expression.next_after(now).map(|next| next.in_tz(expression.zone())) {
        Some(Ok(next)) => format!("next run {}", next.strftime("%a %Y-%m-%d %H:%M")),
        Some(Err(_)) | None => "no further runs".to_owned(),
    }
}

/// Formats a time as the scheduler does.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
