//! When schedules fire: in words, with what changes of clocks do to them.
//! `ScheduleExpression` has the rules.

use std::io::Write;

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::args::NextArgs;
use crate::commands::CommandError;
use local::aws_emulator::template::{Occurrence, ScheduleExpression, ScheduleExpressionError};

/// Prints when the expression in `which` fires next; `None` when `which` names a schedule instead.
///
/// # Errors
///
/// [`CommandError`]: the expression or its zone is wrong, or the terminal cannot be used.
pub(in crate::commands) fn print_next_runs_of_expression(
    which: &NextArgs,
    count: u8,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<Option<bool>, CommandError> {
    match &which.expression {
        Some(expression) => {
            print_next_runs(&parse(expression, which.zone.as_deref())?, count, now, out).map(Some)
        }
        None => Ok(None),
    }
}

/// Prints when `expression` fires next, and what changes of clocks do to it.
pub(super) fn print_next_runs(
    expression: &ScheduleExpression,
    count: u8,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    if expression.as_str().starts_with("rate") {
        let every = expression.as_str().trim_start_matches("rate(").trim_end_matches(')');
        writeln!(out, "every {every}, counted from when the schedule is made")?;
        return Ok(true);
    }
    let mut firings = 0;
    for firing in expression.occurrences(now).take(usize::from(count) * 2) {
        match firing {
            Occurrence::At(time) => writeln!(out, "{}", shown(time, expression))?,
            Occurrence::Fold(time) => {
                writeln!(out, "{}, the first of two such times that day", shown(time, expression))?;
            }
            Occurrence::Gap(time) => {
                let time = time.strftime("%a %Y-%m-%d %H:%M");
                writeln!(out, "{time} does not come: the clocks of {} skip it", expression.zone())?;
            }
        }
        firings += u8::from(firing.moment().is_some());
        if firings == count {
            break;
        }
    }
    if firings == 0 {
        writeln!(out, "never again")?;
    }
    Ok(true)
}

/// A moment on the clock of the schedule's zone, and in UTC.
pub(super) fn shown(time: Timestamp, expression: &ScheduleExpression) -> String {
    let zoned = time.to_zoned(expression.rules().clone());
    let local = zoned.strftime("%a %Y-%m-%d %H:%M %:z");
    let utc = time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    format!("{local} ({utc})")
}

/// Parses an expression as people write it.
pub(super) fn parse(expression: &str, zone: Option<&str>) -> Result<ScheduleExpression, CommandError> {
    let is_rate = expression.starts_with("rate(");
    let Some(zone) = zone.or(is_rate.then_some("UTC")) else {
        return Err(CommandError::argument(
            "--zone",
            "is missing: say on whose clocks, e.g. --zone Europe/Zurich",
        ));
    };
    ScheduleExpression::parse(expression, zone).map_err(|error| {
        let field = if matches!(error, ScheduleExpressionError::Zone(_)) { "--zone" } else { "EXPRESSION" };
        CommandError::argument(field, error.to_string())
    })
}

/// The expression of a schedule.
pub(super) fn expression_of(schedule: &GetScheduleOutput) -> Result<ScheduleExpression, CommandError> {
    let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
    parse(schedule.schedule_expression().unwrap_or_default(), Some(zone))
}
