//! `herald schedule`: notifications that come by the clock, made, listed and taken away in EventBridge Scheduler.
//! What such an event may hold is `proactive`'s to say; when an expression fires, the template's timetables'.

mod coming;

use std::io::Write;
use std::path::Path;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy,
    ScheduleState, Target,
};
use herald::aws::diagnostics::{AwsRequest, explain};
use herald::aws::failure::AwsFailure;
use jiff::Timestamp;
use proactive::validate_event;
use serde_json::{Value, json};

pub use self::coming::foretell_expression;
use self::coming::{foretell, shown, timetable, timetable_of};
use super::broadcast::read;
use super::{Deployment, OperatorError};
use crate::args::ScheduleVerb;
use crate::local::TEMPLATE;
use crate::template::{Template, Timetable, expanded};

/// The template's schedule whose target the others have too.
const TICK: &str = "tick";

/// Most bytes of an event that the scheduler takes.
const MAX_INPUT_BYTES: usize = 256 * 1024;

/// Most tries and seconds of a firing that does not reach its function: later, the notification is over.
const MAX_TRIES: i32 = 10;
const MAX_AGE: i32 = 3_600;

/// The schedules of one group.
pub(super) struct Group {
    pub(super) client: Client,
    pub(super) name: String,
}

/// Does what `verb` says; whether it could be done.
pub(super) async fn execute(
    deployment: &Deployment,
    verb: &ScheduleVerb,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    match verb {
        ScheduleVerb::Add { name, expression, file, zone, .. } => {
            let timetable = timetable(expression, zone.as_deref())?;
            add(&deployment.schedules()?, name, &timetable, file, now, out).await
        }
        ScheduleVerb::List { .. } => list(&deployment.schedules()?, now, out).await,
        ScheduleVerb::Remove { name, .. } => remove(&deployment.schedules()?, name, out).await,
        ScheduleVerb::Next { which, count, .. } => {
            if let Some(done) = foretell_expression(verb, now, out)? {
                return Ok(done);
            }
            let name = which.name.as_deref().unwrap_or_default();
            match deployment.schedules()?.get(name).await? {
                Some(schedule) => foretell(&timetable_of(&schedule)?, *count, now, out),
                None => unknown(name, out),
            }
        }
    }
}

async fn add(
    group: &Group,
    name: &str,
    timetable: &Timetable,
    file: &Path,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) {
        return Err(wrong("NAME", "is not 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    if timetable.next_after(now).is_none() {
        return Err(wrong("EXPRESSION", "never fires: the time is over, or the clock never shows it"));
    }
    let input = input(read(file)?, now)?;
    let Some(tick) = group.get(TICK).await? else {
        return Err(OperatorError::NoTick(group.name.clone()));
    };
    let (Some(target), zone) = (tick.target, timetable.zone()) else {
        return Err(OperatorError::NoTick(group.name.clone()));
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
        .map_err(|error| wrong("FILE", error.to_string()))?;
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
    let request = group
        .client
        .create_schedule()
        .group_name(&group.name)
        .name(name)
        .schedule_expression(timetable.expression())
        .schedule_expression_timezone(zone)
        .flexible_time_window(window.map_err(|error| wrong("EXPRESSION", error.to_string()))?)
        .action_after_completion(ActionAfterCompletion::Delete)
        .target(target);
    match request.send().await {
        Ok(_) => {
            writeln!(out, "Schedule {name}: {} in {zone}", timetable.expression())?;
            foretell(timetable, 1, now, out)
        }
        Err(error) if is(&error, "ConflictException") => {
            writeln!(
                out,
                "Not made: there is a schedule {name} already. Remove it first, or choose another name."
            )?;
            Ok(false)
        }
        Err(error) if is(&error, "ValidationException") => {
            Err(wrong("EXPRESSION", error.message().unwrap_or("is refused").to_owned()))
        }
        Err(error) => Err(group.unasked("scheduler:CreateSchedule", error)),
    }
}

async fn list(group: &Group, now: Timestamp, out: &mut (dyn Write + Send)) -> Result<bool, OperatorError> {
    let listed: Result<Vec<_>, _> =
        group.client.list_schedules().group_name(&group.name).into_paginator().items().send().collect().await;
    let listed = listed.map_err(|error| group.unasked("scheduler:ListSchedules", error))?;
    for name in listed.iter().filter_map(|summary| summary.name()) {
        // One that was taken away meanwhile is no news.
        let Some(schedule) = group.get(name).await? else { continue };
        let input = schedule.target().and_then(|target| target.input());
        let input: Value = input.and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default();
        let tells =
            input["notification"].as_str().unwrap_or(if input["tick"] == true { "(tick)" } else { "?" });
        let expression = schedule.schedule_expression().unwrap_or_default();
        let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
        let next = match (schedule.state(), timetable_of(&schedule)) {
            (Some(ScheduleState::Disabled), _) => "disabled".to_owned(),
            // It counts from when it was made, which is not known here.
            (_, Ok(_)) if expression.starts_with("rate") => "-".to_owned(),
            (_, Ok(timetable)) => timetable
                .next_after(now)
                .map_or_else(|| "never again".to_owned(), |next| shown(next, &timetable)),
            (_, Err(error)) => error.to_string(),
        };
        writeln!(out, "{name}\t{expression}\t{zone}\t{tells}\tnext {next}")?;
    }
    Ok(true)
}

async fn remove(group: &Group, name: &str, out: &mut (dyn Write + Send)) -> Result<bool, OperatorError> {
    if Template::parse(TEMPLATE)?.schedules.iter().any(|given| given.name == name) {
        return Err(OperatorError::Given(name.to_owned()));
    }
    match group.client.delete_schedule().group_name(&group.name).name(name).send().await {
        Ok(_) => {
            writeln!(out, "Removed {name}. What it has begun goes on: herald broadcast cancel ends that.")?;
            Ok(true)
        }
        Err(error) if is(&error, "ResourceNotFoundException") => unknown(name, out),
        Err(error) => Err(group.unasked("scheduler:DeleteSchedule", error)),
    }
}

fn unknown(name: &str, out: &mut (dyn Write + Send)) -> Result<bool, OperatorError> {
    writeln!(out, "There is no schedule {name}. See which there are: herald schedule list")?;
    Ok(false)
}

/// The event with what the scheduler fills in, once it is known to be one that `proactive` takes.
fn input(mut event: Value, now: Timestamp) -> Result<String, OperatorError> {
    for (member, problem) in [
        ("key", "has no place here: each firing is known by the schedule and its time"),
        ("schedule_arn", "is filled in by the scheduler"),
        ("scheduled_time", "is filled in by the scheduler"),
    ] {
        if event.get(member).is_some() {
            return Err(wrong(member, problem));
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
        _ => Err(wrong("FILE", "is larger than the 256 KiB that the scheduler takes")),
    }
}

impl Group {
    /// The schedule of this name, if there is one.
    async fn get(&self, name: &str) -> Result<Option<GetScheduleOutput>, OperatorError> {
        match self.client.get_schedule().group_name(&self.name).name(name).send().await {
            Ok(schedule) => Ok(Some(schedule)),
            // Of a group that is not there, nobody says so in another way.
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.unasked("scheduler:GetSchedule", error)),
        }
    }

    fn unasked<E, R>(&self, action: &str, error: SdkError<E, R>) -> OperatorError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let asked = AwsRequest {
            action,
            resource: &format!("schedule group `{}`", self.name),
            region: self.client.config().region().map(AsRef::as_ref),
            if_missing: "set SCHEDULE_GROUP to the stack's output ScheduleGroup, and AWS_REGION to its region",
        };
        let (cause, fix) = explain(&AwsFailure::of(error), &asked);
        OperatorError::Scheduler { cause, fix }
    }
}

fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.code() == Some(code)
}

fn wrong(field: &'static str, problem: impl Into<String>) -> OperatorError {
    OperatorError::Argument { field, problem: problem.into() }
}
