//! Schedule expressions: the `cron`, `rate` and `at` expressions of EventBridge Scheduler, in a time zone.
//! They run between a start date and an end date, if there is one. Flexible windows are not supported.

mod cron_fields;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A parsed schedule expression with its time zone.
///
/// A local time that daylight saving skips does not run; one that it repeats runs the first time only. A `rate` runs at
/// its start date and counts from it ([`Self::between`]); without one it counts from the Unix epoch.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use local::aws_emulator::template::ScheduleExpression;
///
/// let weekdays_at_nine = ScheduleExpression::parse("cron(0 9 ? * MON-FRI *)", "Europe/Zurich")?;
///
/// let next = weekdays_at_nine.next_after("2026-11-20T12:00:00Z".parse()?);
/// assert_eq!(next, Some("2026-11-23T08:00:00Z".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ScheduleExpression {
    text: String,
    zone: TimeZone,
    rule: Rule,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

#[derive(Debug, Clone)]
enum Rule {
    Cron(Box<Cron>),
    Rate(SignedDuration),
    At(DateTime),
}

/// A local time of an expression, resolved in its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// It runs at this time.
    At(Timestamp),
    /// The clocks repeat the local time: it runs the first time only.
    Fold(Timestamp),
    /// The clocks skip the local time: it does not run.
    Gap(DateTime),
}

impl Occurrence {
    /// Returns the time of the run; `None` if there is none.
    #[must_use]
    pub fn moment(self) -> Option<Timestamp> {
        match self {
            Self::At(time) | Self::Fold(time) => Some(time),
            Self::Gap(_) => None,
        }
    }
}

/// Why an expression or zone is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleExpressionError {
    /// The expression is not `cron`, `rate` or `at`.
    #[error("`{0}` is not cron(…), rate(…) or at(…)")]
    Form(String),
    /// The zone is not in the IANA database.
    #[error("`{0}` is not an IANA time zone, e.g. Europe/Zurich")]
    Zone(String),
    /// The `cron` expression is invalid.
    #[error("cron({fields}): {reason}")]
    Cron {
        /// The text in parentheses.
        fields: String,
        /// The problem.
        reason: String,
    },
    /// The `rate` is invalid.
    #[error("rate({0}): write a whole number above 0 and its unit, e.g. rate(1 minute), rate(5 minutes)")]
    Rate(String),
    /// The `at` time is invalid.
    #[error("at({0}): write the time as yyyy-mm-ddThh:mm:ss, without a zone")]
    At(String),
}

impl ScheduleExpression {
    /// Parses an expression and the name of its zone.
    ///
    /// # Errors
    ///
    /// The expression or the zone is invalid.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, ScheduleExpressionError> {
        let form = expression.strip_suffix(')').and_then(|text| text.split_once('('));
        let rule = match form {
            Some(("cron", fields)) => Rule::Cron(Box::new(cron(fields)?)),
            Some(("rate", text)) => {
                Rule::Rate(rate(text).ok_or_else(|| ScheduleExpressionError::Rate(text.to_owned()))?)
            }
            Some(("at", text)) => {
                Rule::At(at(text).ok_or_else(|| ScheduleExpressionError::At(text.to_owned()))?)
            }
            Some(_) | None => return Err(ScheduleExpressionError::Form(expression.to_owned())),
        };
        let zone = TimeZone::get(zone).map_err(|_| ScheduleExpressionError::Zone(zone.to_owned()))?;
        Ok(Self { text: expression.to_owned(), zone, rule, start: None, end: None })
    }

    /// Returns the expression with this start date, at which a `rate` runs first, and this end date, after which nothing
    /// runs. An `at` ignores both.
    #[must_use]
    pub fn between(self, start: Option<Timestamp>, end: Option<Timestamp>) -> Self {
        match self.rule {
            Rule::Cron(_) | Rule::Rate(_) => Self { start, end, ..self },
            Rule::At(_) => self,
        }
    }

    /// Whether the times of its runs are known: those of a `rate` are with its start date.
    #[must_use]
    pub fn is_anchored(&self) -> bool {
        self.rate().is_none() || self.start.is_some()
    }

    /// Returns the time between two runs of a `rate`; `None` for other expressions.
    #[must_use]
    pub fn rate(&self) -> Option<SignedDuration> {
        match self.rule {
            Rule::Rate(every) => Some(every),
            Rule::Cron(_) | Rule::At(_) => None,
        }
    }

    /// Returns the first run after `after`; `None` if there is none.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.occurrences(after).find_map(Occurrence::moment)
    }

    /// Returns the occurrences after `after`, in order. The iterator may never end.
    pub fn occurrences(&self, after: Timestamp) -> impl Iterator<Item = Occurrence> {
        // A run at the start date itself counts.
        let before_start = self.start.and_then(|start| start.checked_sub(SignedDuration::from_nanos(1)).ok());
        let after = before_start.map_or(after, |start| after.max(start));
        // Local times ignore daylight saving; the zone resolves each of them.
        let (mut wall, mut last) = (Some(self.zone.to_datetime(after)), after);
        let is_to_come = move |firing: &Occurrence| firing.moment().is_none_or(|time| time > after);
        let is_before_end = |firing: &Occurrence| match (firing.moment(), self.end) {
            (Some(time), Some(end)) => time <= end,
            (Some(_) | None, _) => true,
        };
        std::iter::from_fn(move || match &self.rule {
            Rule::Cron(cron) => {
                wall = cron.find_next_occurrence(&wall?, false).ok();
                // The end date is compared in UTC and a skipped time has none: it must not continue for ever behind it.
                self.end
                    .is_none_or(|end| wall.is_some_and(|wall| wall <= self.zone.to_datetime(end)))
                    .then_some(())?;
                self.resolve(wall?)
            }
            Rule::Rate(every) => {
                last = next_of_rate(*every, self.start.unwrap_or(Timestamp::UNIX_EPOCH), last)?;
                Some(Occurrence::At(last))
            }
            Rule::At(time) => {
                let is_over = wall.take()? > *time;
                if is_over { None } else { self.resolve(*time) }
            }
        })
        .take_while(is_before_end)
        .filter(is_to_come)
    }

    /// Returns the text of the expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name of the zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the rules of the zone.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.zone
    }

    /// Resolves the local time `wall` in the zone.
    fn resolve(&self, wall: DateTime) -> Option<Occurrence> {
        let ambiguous = self.zone.to_ambiguous_timestamp(wall);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => Some(Occurrence::Gap(wall)),
            AmbiguousOffset::Unambiguous { .. } => ambiguous.earlier().ok().map(Occurrence::At),
            AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok().map(Occurrence::Fold),
        }
    }
}

/// Validates what the cron library does not: six fields, weekdays from 1 for Sunday, and exactly one `?`.
fn cron(text: &str) -> Result<Cron, ScheduleExpressionError> {
    let wrong =
        |reason: &str| ScheduleExpressionError::Cron { fields: text.to_owned(), reason: reason.to_owned() };
    let fields: Vec<&str> = text.split_whitespace().collect();
    let &[minutes, hours, days, months, weekdays, years] = fields.as_slice() else {
        return Err(wrong("expected six fields: minutes hours day-of-month month day-of-week year"));
    };
    if (days == "?") == (weekdays == "?") {
        return Err(wrong("exactly one of day-of-month and day-of-week must be `?`"));
    }
    if let Some(field) =
        fields.iter().find(|field| field.contains(['@', '+']) || field.split(',').any(str::is_empty))
    {
        return Err(wrong(&format!("`{field}` is invalid")));
    }
    cron_fields::check(&[minutes, hours, days, months, weekdays, years]).map_err(|reason| wrong(&reason))?;
    let weekdays = if weekdays == "L" { "7" } else { weekdays };
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Required);
    let parser = parser.alternative_weekdays(true).sloppy_ranges(true).build();
    let parsed = parser.parse(&format!("0 {minutes} {hours} {days} {months} {weekdays} {years}"));
    parsed.map_err(|error| wrong(&error.to_string()))
}

/// Returns the first time after `after` that is a multiple of `every` from `start`, in whole seconds of both.
fn next_of_rate(every: SignedDuration, start: Timestamp, after: Timestamp) -> Option<Timestamp> {
    if after < start {
        return Some(start);
    }
    let (every, start) = (every.as_secs(), start.as_second());
    let runs = after.as_second().checked_sub(start)?.div_euclid(every).checked_add(1)?;
    Timestamp::from_second(runs.checked_mul(every)?.checked_add(start)?).ok()
}

/// Whether the unit is singular for 1 and plural otherwise.
fn rate(text: &str) -> Option<SignedDuration> {
    let (value, unit) = text.split_once(' ')?;
    let value: u32 = value.parse().ok()?;
    let seconds = match (value, unit) {
        (0, _) => return None,
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 3_600,
        (1, "day") | (2.., "days") => 86_400,
        (_, _) => return None,
    };
    Some(SignedDuration::from_secs(i64::from(value) * seconds))
}

fn at(text: &str) -> Option<DateTime> {
    DateTime::strptime("%Y-%m-%dT%H:%M:%S", text).ok()
}

#[cfg(test)]
mod tests;
