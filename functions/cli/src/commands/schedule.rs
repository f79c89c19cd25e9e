//! `herald schedule`: notifications that come by the clock, made, listed and taken away in EventBridge Scheduler.
//! `proactive` checks the event, `ScheduleExpression` the expression.

mod next_runs;

use std::io::Write;
use std::path::Path;

use aws_sdk_scheduler::error::ProvideErrorMetadata;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy,
    ScheduleState, Target,
};
use jiff::Timestamp;
use proactive::validate_event;
use serde_json::{Value, json};

pub(super) use self::next_runs::print_next_runs_of_expression;
use self::next_runs::{expression_of, parse, print_next_runs, shown};
use super::input_file::read;
use super::schedule_group::{ScheduleGroup, is};
use super::{CommandError, Deployment};
use crate::args::ScheduleVerb;
use local::TEMPLATE;
use local::aws_emulator::template::{ScheduleExpression, Template, expanded};

/// The template's schedule whose target the others have too.
const TICK: &str = "tick";

/// Most bytes of an event that the scheduler takes.
const MAX_INPUT_BYTES: usize = 256 * 1024;

/// Most tries and seconds of a firing that does not reach its function: later, the notification is over.
const MAX_TRIES: i32 = 10;
const MAX_AGE: i32 = 3_600;

/// Carries out `verb`; whether it could be done.
pub(super) async fn execute(
    deployment: &Deployment,
    verb: &ScheduleVerb,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match verb {
        ScheduleVerb::Add { name, expression, file, zone } => {
            let expression = parse(expression, zone.as_deref())?;
            add(&deployment.schedules()?, name, &expression, file, now, out).await
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

async fn add(
    group: &ScheduleGroup,
    name: &str,
    expression: &ScheduleExpression,
    file: &Path,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) {
        return Err(CommandError::argument("NAME", "is not 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    if expression.next_after(now).is_none() {
        return Err(CommandError::argument(
            "EXPRESSION",
            "never fires: the time is over, or the clock never shows it",
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
        RetryPolicy::builder().maximum_retry_attempts(MAX_TRIES).maximum_event_age_in_seconds(MAX_AGE);
    let dead_letters = target.dead_letter_config().and_then(DeadLetterConfig::arn);
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
        .name(name)
        .schedule_expression(expression.as_str())
        .schedule_expression_timezone(zone)
        .flexible_time_window(
            window.map_err(|error| CommandError::argument("EXPRESSION", error.to_string()))?,
        )
        .action_after_completion(ActionAfterCompletion::Delete)
        .target(target);
    match request.send().await {
        Ok(_) => {
            writeln!(out, "Schedule {name}: {} in {zone}", expression.as_str())?;
            print_next_runs(expression, 1, now, out)
        }
        Err(error) if is(&error, "ConflictException") => {
            writeln!(
                out,
                "Not made: there is a schedule {name} already. Remove it first, or choose another name."
            )?;
            Ok(false)
        }
        Err(error) if is(&error, "ValidationException") => {
            Err(CommandError::argument("EXPRESSION", error.message().unwrap_or("is refused").to_owned()))
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
        // One that was taken away meanwhile is no news.
        let Some(schedule) = group.get(name).await? else { continue };
        let input = schedule.target().and_then(|target| target.input());
        let input: Value = input.and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default();
        let tells =
            input["notification"].as_str().unwrap_or(if input["tick"] == true { "(tick)" } else { "?" });
        let text = schedule.schedule_expression().unwrap_or_default();
        let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
        let next = match (schedule.state(), expression_of(&schedule)) {
            (Some(ScheduleState::Disabled), _) => "disabled".to_owned(),
            // It counts from when it was made, which is not known here.
            (_, Ok(_)) if text.starts_with("rate") => "-".to_owned(),
            (_, Ok(expression)) => expression
                .next_after(now)
                .map_or_else(|| "never again".to_owned(), |next| shown(next, &expression)),
            (_, Err(error)) => error.to_string(),
        };
        writeln!(out, "{name}\t{text}\t{zone}\t{tells}\tnext {next}")?;
    }
    Ok(true)
}

async fn remove(
    group: &ScheduleGroup,
    name: &str,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    if Template::parse(TEMPLATE)?.schedules.iter().any(|given| given.name == name) {
        return Err(CommandError::Given(name.to_owned()));
    }
    match group.client.delete_schedule().group_name(&group.name).name(name).send().await {
        Ok(_) => {
            writeln!(out, "Removed {name}. What it has begun goes on: herald broadcast cancel ends that.")?;
            Ok(true)
        }
        Err(error) if is(&error, "ResourceNotFoundException") => unknown(name, out),
        Err(error) => Err(group.error("scheduler:DeleteSchedule", error)),
    }
}

fn unknown(name: &str, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    writeln!(out, "There is no schedule {name}. See which there are: herald schedule list")?;
    Ok(false)
}

/// The event with what the scheduler fills in, once it is known to be one that `proactive` takes.
fn input(mut event: Value, now: Timestamp) -> Result<String, CommandError> {
    for (member, problem) in [
        ("key", "has no place here: each firing is known by the schedule and its time"),
        ("schedule_arn", "is filled in by the scheduler"),
        ("scheduled_time", "is filled in by the scheduler"),
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
        _ => Err(CommandError::argument("FILE", "is larger than the 256 KiB that the scheduler takes")),
    }
}
