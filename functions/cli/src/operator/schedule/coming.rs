//! When schedules fire: in words, with what changes of clocks do to them.
//! The rules are the timetables'.

use std::io::Write;

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::wrong;
use crate::args::{Coming, ScheduleVerb};
use crate::operator::OperatorError;
use crate::template::{Firing, Timetable, TimetableError};

/// Says when the expression that `verb` is about fires, if it is about one, which takes no deployment.
///
/// # Errors
///
/// [`OperatorError`]: the expression or its zone is wrong, or the terminal cannot be used.
pub fn foretell_expression(
    verb: &ScheduleVerb,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<Option<bool>, OperatorError> {
    match verb {
        ScheduleVerb::Next { which: Coming { expression: Some(expression), zone, .. }, count, .. } => {
            foretell(&timetable(expression, zone.as_deref())?, *count, now, out).map(Some)
        }
        ScheduleVerb::Next { .. }
        | ScheduleVerb::Add { .. }
        | ScheduleVerb::List { .. }
        | ScheduleVerb::Remove { .. } => Ok(None),
    }
}

/// Says when `timetable` fires next, and what changes of clocks do to it.
pub(super) fn foretell(
    timetable: &Timetable,
    count: u8,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    if timetable.expression().starts_with("rate") {
        let every = timetable.expression().trim_start_matches("rate(").trim_end_matches(')');
        writeln!(out, "every {every}, counted from when the schedule is made")?;
        return Ok(true);
    }
    let mut firings = 0;
    for firing in timetable.coming(now).take(usize::from(count) * 2) {
        match firing {
            Firing::At(time) => writeln!(out, "{}", shown(time, timetable))?,
            Firing::FirstOfTwo(time) => {
                writeln!(out, "{}, the first of two such times that day", shown(time, timetable))?;
            }
            Firing::Skipped(time) => {
                let time = time.strftime("%a %Y-%m-%d %H:%M");
                writeln!(out, "{time} does not come: the clocks of {} skip it", timetable.zone())?;
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
pub(super) fn shown(time: Timestamp, timetable: &Timetable) -> String {
    let zoned = time.to_zoned(timetable.rules().clone());
    let local = zoned.strftime("%a %Y-%m-%d %H:%M %:z");
    let utc = time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    format!("{local} ({utc})")
}

/// The timetable of an expression as people write it.
pub(super) fn timetable(expression: &str, zone: Option<&str>) -> Result<Timetable, OperatorError> {
    let is_rate = expression.starts_with("rate(");
    let Some(zone) = zone.or(is_rate.then_some("UTC")) else {
        return Err(wrong("--zone", "is missing: say on whose clocks, e.g. --zone Europe/Zurich"));
    };
    Timetable::parse(expression, zone).map_err(|error| {
        let field = if matches!(error, TimetableError::Zone(_)) { "--zone" } else { "EXPRESSION" };
        wrong(field, error.to_string())
    })
}

/// That of a schedule.
pub(super) fn timetable_of(schedule: &GetScheduleOutput) -> Result<Timetable, OperatorError> {
    let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
    timetable(schedule.schedule_expression().unwrap_or_default(), Some(zone))
}
