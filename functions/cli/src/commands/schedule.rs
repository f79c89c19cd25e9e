//! `herald schedule`: adds, lists and removes schedules in EventBridge Scheduler.
//! `proactive` validates the event, `ScheduleExpression` the expression.

mod next_runs;

use std::io::Write;
use std::path::Path;

use aws_sdk_scheduler::error::ProvideErrorMetadata;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy,
    ScheduleState, Target,
};
use jiff::Timestamp;
use local::TEMPLATE;
use local::aws_emulator::template::{ScheduleExpression, Template, expanded};
use proactive::validate_event;
use serde_json::{Value, json};

pub(crate) use self::next_runs::expression_of;
pub(super) use self::next_runs::print_next_runs_of_expression;
use self::next_runs::{counted_from, parse, print_next_runs, shown};
use super::input_file::read;
use super::schedule_group::{ScheduleGroup, is};
use super::{CommandError, Deployment};
use crate::args::ScheduleVerb;

/// The schedule of template.yaml whose function and role new schedules share.
const TICK: &str = "tick";

/// Largest event that the scheduler accepts, in bytes.
const MAX_INPUT_BYTES: usize = 256 * 1024;

/// Largest number of retries of a run whose function cannot be invoked.
const MAX_RETRIES: i32 = 10;

/// Largest age of a run that is retried, in seconds; an older notification is outdated.
const MAX_AGE_S: i32 = 3_600;

/// Executes `verb`; returns `false` if it had no effect.
pub(super) async fn execute(
    deployment: &Deployment,
    verb: &ScheduleVerb,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match verb {
        ScheduleVerb::Add { name, expression, file, zone } => {
            let (expression, start) = counted_from(parse(expression, zone.as_deref())?, now)?;
            let dead_letters = deployment.proactive_dead_letters();
            let group = deployment.schedules()?;
            let schedule = NewSchedule { name, expression: &expression, start, dead_letters };
            add(&group, &schedule, file, now, out).await
        }
        ScheduleVerb::List => list(&deployment.schedules()?, now, out).await,
        ScheduleVerb::Remove { name } => remove(&deployment.schedules()?, name, out).await,
        ScheduleVerb::Next { which, count } => {
            if let Some(done) = print_next_runs_of_expression(which, *count, now, out)? {
                return Ok(done);
            }
            let name = which.name.as_deref().unwrap_or_default();
            match deployment.schedules()?.get(name).await? {
                Some(schedule) => print_next_runs(&expression_of(&schedule)?, *count, now, out),
                None => unknown(name, out),
            }
        }
    }
}

/// A schedule to add.
struct NewSchedule<'a> {
    name: &'a str,
    expression: &'a ScheduleExpression,
    /// The start date, for a rate.
    start: Option<Timestamp>,
    /// The name of the dead-letter queue for runs that cannot invoke `proactive`.
    dead_letters: Option<String>,
}

async fn add(
    group: &ScheduleGroup,
    schedule: &NewSchedule<'_>,
    file: &Path,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let NewSchedule { name, expression, start, dead_letters } = schedule;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) {
        return Err(CommandError::argument("NAME", "must be 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    if expression.next_after(now).is_none() {
        return Err(CommandError::argument(
            "EXPRESSION",
            "never runs: the time is in the past or does not exist",
        ));
    }
    let input = input(read(file)?, now)?;
    let Some(tick) = group.get(TICK).await? else {
        return Err(CommandError::NoTick(group.name.clone()));
    };
    let (Some(target), zone) = (tick.target, expression.zone()) else {
        return Err(CommandError::NoTick(group.name.clone()));
    };
    let retries =
        RetryPolicy::builder().maximum_retry_attempts(MAX_RETRIES).maximum_event_age_in_seconds(MAX_AGE_S);
    let dead_letters = dead_letters.as_deref().and_then(|queue| queue_arn(target.arn(), queue));
    let target = Target::builder()
        .arn(target.arn())
        .role_arn(target.role_arn())
        .input(input)
        .retry_policy(retries.build())
        .set_dead_letter_config(dead_letters.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
        .build()
        .map_err(|error| CommandError::argument("FILE", error.to_string()))?;
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
    let request = group
        .client
        .create_schedule()
        .group_name(&group.name)
        .name(*name)
        .schedule_expression(expression.as_str())
        .schedule_expression_timezone(zone)
        .set_start_date(start.map(|start| DateTime::from_secs(start.as_second())))
        .flexible_time_window(
            window.map_err(|error| CommandError::argument("EXPRESSION", error.to_string()))?,
        )
        .action_after_completion(ActionAfterCompletion::Delete)
        .target(target);
    match request.send().await {
        Ok(_) => {
            writeln!(out, "Added schedule {name}: {} in {zone}", expression.as_str())?;
            write!(out, "First run: ")?;
            print_next_runs(expression, 1, now, out)
        }
        Err(error) if is(&error, "ConflictException") => {
            writeln!(
                out,
                "Not added: schedule {name} already exists. Remove it first, or choose another name."
            )?;
            Ok(false)
        }
        Err(error) if is(&error, "ValidationException") => {
            Err(CommandError::argument("EXPRESSION", error.message().unwrap_or("was rejected").to_owned()))
        }
        Err(error) => Err(group.error("scheduler:CreateSchedule", error)),
    }
}

async fn list(
    group: &ScheduleGroup,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let listed: Result<Vec<_>, _> =
        group.client.list_schedules().group_name(&group.name).into_paginator().items().send().collect().await;
    let listed = listed.map_err(|error| group.error("scheduler:ListSchedules", error))?;
    for name in listed.iter().filter_map(|summary| summary.name()) {
        // A schedule that was removed meanwhile is not listed.
        let Some(schedule) = group.get(name).await? else { continue };
        let input = schedule.target().and_then(|target| target.input());
        let input: Value = input.and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default();
        let notification =
            input["notification"].as_str().unwrap_or(if input["tick"] == true { "(tick)" } else { "?" });
        let text = schedule.schedule_expression().unwrap_or_default();
        let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
        let next = match (schedule.state(), expression_of(&schedule)) {
            (Some(ScheduleState::Disabled), _) => "disabled".to_owned(),
            (_, Ok(expression)) if !expression.is_anchored() => "-".to_owned(),
            (_, Ok(expression)) => {
                expression.next_after(now).map_or_else(|| "never".to_owned(), |next| shown(next, &expression))
            }
            (_, Err(error)) => error.to_string(),
        };
        writeln!(out, "{name}\t{text}\t{zone}\t{notification}\tnext {next}")?;
    }
    Ok(true)
}

async fn remove(
    group: &ScheduleGroup,
    name: &str,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    if Template::parse(TEMPLATE)?.schedules.iter().any(|schedule| schedule.name == name) {
        return Err(CommandError::TemplateSchedule(name.to_owned()));
    }
    match group.client.delete_schedule().group_name(&group.name).name(name).send().await {
        Ok(_) => {
            writeln!(
                out,
                "Removed schedule {name}. Broadcasts it started continue; stop them with herald broadcast cancel."
            )?;
            Ok(true)
        }
        Err(error) if is(&error, "ResourceNotFoundException") => unknown(name, out),
        Err(error) => Err(group.error("scheduler:DeleteSchedule", error)),
    }
}

/// Returns the ARN of the queue in the account and region of the function `function`; `None` if that is no ARN.
fn queue_arn(function: &str, queue: &str) -> Option<String> {
    let mut parts = function.split(':');
    let ("arn", partition, "lambda", region, account) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
    else {
        return None;
    };
    Some(format!("arn:{partition}:sqs:{region}:{account}:{queue}"))
}

/// Prints that the schedule does not exist; returns `false`.
fn unknown(name: &str, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    writeln!(out, "Schedule {name} not found. List schedules: herald schedule list")?;
    Ok(false)
}

/// Returns the input of a schedule: the validated event with the placeholders that the scheduler fills in.
fn input(mut event: Value, now: Timestamp) -> Result<String, CommandError> {
    for (member, problem) in [
        ("key", "is not allowed: a run is identified by its schedule and time"),
        ("schedule_arn", "is not allowed: the scheduler fills it in"),
        ("scheduled_time", "is not allowed: the scheduler fills it in"),
    ] {
        if event.get(member).is_some() {
            return Err(CommandError::argument(member, problem));
        }
    }
    if let Some(members) = event.as_object_mut() {
        members.insert("schedule_arn".to_owned(), json!("<aws.scheduler.schedule-arn>"));
        members.insert("scheduled_time".to_owned(), json!("<aws.scheduler.scheduled-time>"));
    }
    validate_event(expanded(&event, "arn", &now.to_string()))?;
    let input = event.to_string();
    match input.len() {
        ..=MAX_INPUT_BYTES => Ok(input),
        _ => Err(CommandError::argument("FILE", "exceeds 256 KiB, the limit of the scheduler")),
    }
}
