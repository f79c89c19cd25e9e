//! Prints the next runs of a schedule, with the effect of daylight saving.
//! `ScheduleExpression` computes them.

use std::io::Write;

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::primitives::DateTime;
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use local::aws_emulator::template::{Occurrence, ScheduleExpression, ScheduleExpressionError};

use crate::args::NextArgs;
use crate::commands::CommandError;

/// Prints the next runs of the expression in `which`, a rate as if it were added now; returns `None` if `which` names a schedule.
///
/// # Errors
///
/// [`CommandError`]: the expression or its zone is invalid, or `out` cannot be written.
pub(in crate::commands) fn print_next_runs_of_expression(
    which: &NextArgs,
    count: u8,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<Option<bool>, CommandError> {
    match &which.expression {
        Some(expression) => {
            let (expression, _) = counted_from(parse(expression, which.zone.as_deref())?, now)?;
            print_next_runs(&expression, count, now, out).map(Some)
        }
        None => Ok(None),
    }
}

/// Prints the next `count` runs of `expression`, and the local times that daylight saving skips or repeats.
pub(super) fn print_next_runs(
    expression: &ScheduleExpression,
    count: u8,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    if !expression.is_anchored() {
        let every = expression.as_str().trim_start_matches("rate(").trim_end_matches(')');
        writeln!(out, "every {every}, counted from the creation of the schedule")?;
        return Ok(true);
    }
    let mut runs = 0;
    for occurrence in expression.occurrences(now).take(usize::from(count) * 2) {
        match occurrence {
            Occurrence::At(time) => writeln!(out, "{}", shown(time, expression))?,
            Occurrence::Fold(time) => {
                writeln!(out, "{}, the first of two: clocks are set back", shown(time, expression))?;
            }
            Occurrence::Gap(time) => {
                let time = time.strftime("%a %Y-%m-%d %H:%M");
                writeln!(out, "{time} skipped: clocks in {} are set forward", expression.zone())?;
            }
        }
        runs += u8::from(occurrence.moment().is_some());
        if runs == count {
            break;
        }
    }
    if runs == 0 {
        writeln!(out, "no further runs")?;
    }
    Ok(true)
}

/// Formats a time in the zone of the schedule and in UTC.
pub(super) fn shown(time: Timestamp, expression: &ScheduleExpression) -> String {
    let zoned = time.to_zoned(expression.rules().clone());
    let local = zoned.strftime("%a %Y-%m-%d %H:%M %:z");
    let utc = time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    format!("{local} ({utc})")
}

/// Parses an expression; a rate needs no zone.
pub(super) fn parse(expression: &str, zone: Option<&str>) -> Result<ScheduleExpression, CommandError> {
    let is_rate = expression.starts_with("rate(");
    let Some(zone) = zone.or(is_rate.then_some("UTC")) else {
        // Its own problem comes first.
        parse(expression, Some("UTC"))?;
        return Err(CommandError::argument(
            "--zone",
            "is missing: set the time zone, e.g. --zone Europe/Zurich",
        ));
    };
    ScheduleExpression::parse(expression, zone).map_err(|error| {
        let field = if matches!(error, ScheduleExpressionError::Zone(_)) { "--zone" } else { "EXPRESSION" };
        CommandError::argument(field, error.to_string())
    })
}

/// Returns the expression as it is added at `now`, with its start date: a rate runs first after one interval, where without
/// a start date the scheduler would run it at once. The start date is in whole seconds.
pub(super) fn counted_from(
    expression: ScheduleExpression,
    now: Timestamp,
) -> Result<(ScheduleExpression, Option<Timestamp>), CommandError> {
    let Some(every) = expression.rate() else { return Ok((expression, None)) };
    let to_seconds = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    let start = now.checked_add(every).and_then(|start| start.round(to_seconds));
    let too_far = |_| CommandError::argument("EXPRESSION", "never runs: the interval is too long");
    let start = start.map_err(too_far)?;
    Ok((expression.between(Some(start), None), Some(start)))
}

/// Returns the expression of a schedule, between its dates; a rate without a start date counts from the creation.
pub(crate) fn expression_of(schedule: &GetScheduleOutput) -> Result<ScheduleExpression, CommandError> {
    let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
    let time = |date: Option<&DateTime>| date.and_then(|date| Timestamp::from_second(date.secs()).ok());
    let start = time(schedule.start_date()).or(time(schedule.creation_date()));
    let expression = parse(schedule.schedule_expression().unwrap_or_default(), Some(zone))?;
    Ok(expression.between(start, time(schedule.end_date())))
}
