//! Parser of phrases of time in plain English: times of day, days, delays and recurrences, in any order.
//! Does not know the current time; `due` resolves a phrase.

use herald::agent::DaysOfWeek;
use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday};

use super::words::{
    Parsed, Unit, day_of_month, month, number, ordinal, unit, weekday, weekday_after, weekdays,
};
use crate::order_desk::when;

/// What a phrase says about a time; each member once at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) clock: Option<Clock>,
    pub(super) part: Option<Part>,
    pub(super) day: Option<Day>,
    pub(super) weekday: Option<(Which, Weekday)>,
    pub(super) delay: Option<Delay>,
    pub(super) every: Option<Every>,
}

/// Time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) at: Time,
    /// Whether it has no second meaning twelve hours later: “9pm”, “17:30”, “noon”.
    pub(super) is_exact: bool,
    /// Whether it is “midnight”, which begins or ends a day.
    pub(super) is_midnight: bool,
}

/// Part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Afternoon,
    Evening,
    Night,
}

/// Day of a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// This many days from today.
    In(i32),
    /// Some day of the next calendar week.
    NextWeek,
    /// The next one with this number.
    OfMonth(i8),
    /// Day and month, next year if it has passed.
    OfYear(i8, i8),
    /// Date with its year.
    Date(Date),
}

/// Which one of the coming days of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// “on Monday”.
    Coming,
    /// “this Monday”.
    This,
    /// “next Monday”.
    Next,
}

/// Time from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delay {
    Exact(SignedDuration),
    Days(i64),
    Months(i64),
}

/// Days of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Every {
    Day,
    Weekday,
    DaysOfWeek(DaysOfWeek),
    /// Every so many weeks, on the day that another part of the phrase names.
    Weeks(u8, Option<Weekday>),
    /// Every month, on the day that another part of the phrase names.
    Month(Option<i8>),
}

/// Maximum number of weeks from one occurrence to the next.
const MAX_WEEKS: i64 = 52;

/// Maximum delay in seconds: ten years.
const MAX_SECONDS: i64 = 10 * 366 * 24 * 3_600;

impl Phrase {
    /// Parses the longest phrase that `words` begin with; `Err` if it says one thing twice.
    pub(super) fn at_begin<'a, 'b>(words: &'b [&'a str]) -> Result<(Self, &'b [&'a str]), Conflict> {
        let (mut phrase, mut rest) = (Self::default(), words);
        while let Some((part, behind)) = item(rest, &phrase) {
            phrase = phrase.merge(part)?;
            rest = behind;
        }
        Ok((phrase, rest))
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Combines two phrases; `Err` if both say one thing.
    pub(super) fn merge(self, other: Self) -> Result<Self, Conflict> {
        Ok(Self {
            clock: either(self.clock, other.clock)?,
            part: either(self.part, other.part)?,
            day: either(self.day, other.day)?,
            weekday: either(self.weekday, other.weekday)?,
            delay: either(self.delay, other.delay)?,
            every: either(self.every, other.every)?,
        })
    }

    fn has_day(&self) -> bool {
        self.day.is_some() || self.weekday.is_some() || self.every.is_some()
    }
}

/// The error of a phrase with two times, two days or the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conflict;

fn either<T>(one: Option<T>, other: Option<T>) -> Result<Option<T>, Conflict> {
    match (one, other) {
        (Some(_), Some(_)) => Err(Conflict),
        (one, other) => Ok(one.or(other)),
    }
}

/// Parses one item of a phrase, after what was parsed `before` it.
fn item<'a, 'b>(words: &'b [&'a str], before: &Phrase) -> Parsed<'a, 'b, Phrase> {
    if let Some((every, part, rest)) = recurrence(words) {
        return Some((Phrase { every: Some(every), part, ..Phrase::default() }, rest));
    }
    if let Some((delay, rest)) = delay(words) {
        return Some((Phrase { delay: Some(delay), ..Phrase::default() }, rest));
    }
    if let Some((part, rest)) = part_of_day(words, before) {
        return Some((Phrase { part: Some(part), ..Phrase::default() }, rest));
    }
    if let Some((day, part, rest)) = day(words) {
        return Some((Phrase { day: Some(day), part, ..Phrase::default() }, rest));
    }
    if let Some((weekday, rest)) = named_weekday(words) {
        return Some((Phrase { weekday: Some(weekday), ..Phrase::default() }, rest));
    }
    clock(words).map(|(clock, rest)| (Phrase { clock: Some(clock), ..Phrase::default() }, rest))
}

/// Parses a time of day. A plain number is one after “at” only: “tomorrow 2 parcels come”.
fn clock<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Clock> {
    let words = match words {
        ["at" | "@", rest @ ..] => rest,
        [first, rest @ ..] => {
            let behind = rest.first().copied().unwrap_or_default();
            let has_half = first.ends_with("am") || first.ends_with("pm") || first.ends_with(".m");
            let is_clock = first.contains(':')
                || has_half
                || matches!(*first, "noon" | "midday" | "midnight")
                || matches!(behind, "am" | "pm" | "a.m" | "p.m" | "o'clock" | "past")
                || (behind == "to" && *first == "quarter")
                || matches!(words, ["a", "quarter", "past" | "to", ..]);
            if is_clock { words } else { return None }
        }
        [] => return None,
    };
    let (at, rest) = when::time(words)?;
    let consumed = &words[..words.len() - rest.len()];
    let has_half = consumed.iter().any(|token| {
        matches!(*token, "noon" | "midday" | "midnight")
            || ["am", "pm", ".m"].iter().any(|half| token.ends_with(half))
    });
    let is_exact = has_half || at.hour() == 0 || at.hour() > 12;
    Some((Clock { at, is_exact, is_midnight: consumed.contains(&"midnight") }, rest))
}

/// Parses “in the morning”, “at night”; “morning” after a day.
fn part_of_day<'a, 'b>(words: &'b [&'a str], before: &Phrase) -> Parsed<'a, 'b, Part> {
    match words {
        ["in", "the", name, rest @ ..] => {
            part(name).filter(|part| *part != Part::Night).map(|part| (part, rest))
        }
        ["at", "night", rest @ ..] => Some((Part::Night, rest)),
        [name, rest @ ..] if before.has_day() => part(name).map(|part| (part, rest)),
        _ => None,
    }
}

fn part(name: &str) -> Option<Part> {
    Some(match name {
        "morning" => Part::Morning,
        "afternoon" => Part::Afternoon,
        "evening" => Part::Evening,
        "night" => Part::Night,
        _ => return None,
    })
}

/// Parses a delay: “in 10 minutes”, “in 1 hour and 30 minutes”, “2 hours from now”.
fn delay<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Delay> {
    match words {
        ["in", rest @ ..] => {
            let (delay, rest) = amount(rest)?;
            match rest {
                ["from", "now", rest @ ..] => Some((delay, rest)),
                rest => Some((delay, rest)),
            }
        }
        words => match amount(words)? {
            (delay, ["from", "now", rest @ ..]) => Some((delay, rest)),
            _ => None,
        },
    }
}

/// Parses an amount of time: “10 minutes”, “an hour”, “half an hour”, “an hour and a half”, “2h”.
fn amount<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Delay> {
    if let ["half", "an", "hour", rest @ ..] = words {
        return Some((Delay::Exact(SignedDuration::from_mins(30)), rest));
    }
    let ((count, of), rest) = count_of(words)?;
    let total = match (of, rest) {
        (Unit::Seconds(3_600), ["and", "a", "half", rest @ ..]) => {
            (count.checked_mul(3_600)?.checked_add(1_800)?, rest)
        }
        (Unit::Seconds(each), ["and", more @ ..]) => {
            let all = count.checked_mul(each)?;
            match count_of(more) {
                Some(((count, Unit::Seconds(each)), rest)) => {
                    (all.checked_add(count.checked_mul(each)?)?, rest)
                }
                Some(_) | None => (all, rest),
            }
        }
        (Unit::Seconds(each), rest) => (count.checked_mul(each)?, rest),
        (Unit::Days(each), rest) => {
            let days = count.checked_mul(each).filter(|days| (1..=3_660).contains(days))?;
            return Some((Delay::Days(days), rest));
        }
        (Unit::Months, rest) => return (1..=120).contains(&count).then_some((Delay::Months(count), rest)),
    };
    let (seconds, rest) = total;
    (1..=MAX_SECONDS).contains(&seconds).then(|| (Delay::Exact(SignedDuration::from_secs(seconds)), rest))
}

/// Parses a number and a unit: “10 minutes”, “an hour”, “2h”.
fn count_of<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, (i64, Unit)> {
    let (first, rest) = words.split_first()?;
    if let Some((name, rest)) = rest.split_first() {
        let count = if matches!(*first, "a" | "an") { Some(1) } else { number(first) };
        if let (Some(count), Some(unit)) = (count, unit(name)) {
            return Some(((count, unit), rest));
        }
    }
    let end = first.find(|char: char| !char.is_ascii_digit())?;
    let (count, name) = first.split_at(end);
    Some(((number(count)?, unit(name)?), rest))
}

/// Parses a day: “today”, “tonight”, “tomorrow”, “next week”, “on 24 December”, “the 1st”, “2026-12-24”.
fn day<'a, 'b>(words: &'b [&'a str]) -> Option<(Day, Option<Part>, &'b [&'a str])> {
    Some(match words {
        ["today", rest @ ..] => (Day::In(0), None, rest),
        ["tonight", rest @ ..] => (Day::In(0), Some(Part::Night), rest),
        ["this", name @ ("morning" | "afternoon" | "evening"), rest @ ..] => (Day::In(0), part(name), rest),
        ["tomorrow", rest @ ..] => (Day::In(1), None, rest),
        ["the", "day", "after", "tomorrow", rest @ ..] | ["day", "after", "tomorrow", rest @ ..] => {
            (Day::In(2), None, rest)
        }
        ["next", "week", rest @ ..] => (Day::NextWeek, None, rest),
        ["on", "the", rest @ ..] | ["on" | "the", rest @ ..] => {
            let (day, rest) = date(rest).or_else(|| {
                let (first, rest) = rest.split_first()?;
                // “on the first call” is no day.
                let day = ordinal(first).filter(|_| *first != "first")?;
                (!matches!(rest, ["of", ..])).then_some((Day::OfMonth(day), rest))
            })?;
            (day, None, rest)
        }
        words => {
            let (day, rest) = date(words)?;
            (day, None, rest)
        }
    })
}

/// Parses a date: “24 December”, “24th of December 2027”, “Dec 24th”, “2026-12-24”.
fn date<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Day> {
    let (first, rest) = words.split_first()?;
    if first.len() == 10
        && let Ok(date) = first.parse::<Date>()
    {
        return Some((Day::Date(date), rest));
    }
    let (day, month, rest) = match (first, rest) {
        (day, ["of", name, rest @ ..]) => (day_of_month(day)?, month(name)?, rest),
        (name, ["the", day, rest @ ..]) if month(name).is_some() => (ordinal(day)?, month(name)?, rest),
        (one, [other, rest @ ..]) => match (month(other), month(one)) {
            (Some(month), _) => (day_of_month(one)?, month, rest),
            (None, Some(month)) => (day_of_month(other)?, month, rest),
            (None, None) => return None,
        },
        (_, []) => return None,
    };
    let year = rest.first().filter(|year| year.len() == 4).and_then(|year| year.parse::<i16>().ok());
    match year {
        Some(year) => Some((Day::Date(Date::new(year, month, day).ok()?), &rest[1..])),
        // The 29th of February is not in every year.
        None => Date::new(2_028, month, day).ok().map(|_| (Day::OfYear(day, month), rest)),
    }
}

/// Parses “on Monday”, “Monday”, “this Friday”, “next Tuesday”.
fn named_weekday<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, (Which, Weekday)> {
    Some(match words {
        ["on", name, rest @ ..] => ((Which::Coming, weekday_after(name)?), rest),
        ["this", name, rest @ ..] => ((Which::This, weekday_after(name)?), rest),
        ["next", name, rest @ ..] => ((Which::Next, weekday_after(name)?), rest),
        [name, rest @ ..] => ((Which::Coming, weekday(name)?), rest),
        [] => return None,
    })
}

/// Parses a recurrence: “every day”, “every Monday and Wednesday”, “on weekdays”, “weekly”, “on the 1st of every month”.
fn recurrence<'a, 'b>(words: &'b [&'a str]) -> Option<(Every, Option<Part>, &'b [&'a str])> {
    let plain = |every, rest| Some((every, None, rest));
    match words {
        ["every" | "each", name, rest @ ..] if part(name).is_some() => Some((Every::Day, part(name), rest)),
        ["every" | "each", rest @ ..] => every(rest).and_then(|(every, rest)| plain(every, rest)),
        ["daily" | "everyday", rest @ ..] => plain(Every::Day, rest),
        ["nightly", rest @ ..] => Some((Every::Day, Some(Part::Night), rest)),
        ["weekly", rest @ ..] => weeks(1, rest).and_then(|(every, rest)| plain(every, rest)),
        ["fortnightly", rest @ ..] => weeks(2, rest).and_then(|(every, rest)| plain(every, rest)),
        ["monthly", rest @ ..] => monthly(rest).and_then(|(every, rest)| plain(every, rest)),
        ["on", "weekdays" | "workdays", rest @ ..] | ["weekdays" | "workdays", rest @ ..] => {
            plain(Every::Weekday, rest)
        }
        ["on", "weekends", rest @ ..] | ["weekends", rest @ ..] => {
            plain(Every::DaysOfWeek([Weekday::Saturday, Weekday::Sunday].into_iter().collect()), rest)
        }
        ["on", "the", rest @ ..] | ["on" | "the", rest @ ..] | rest => {
            if let Some((days, rest)) = list(rest, weekdays) {
                return plain(Every::DaysOfWeek(days), rest);
            }
            match rest {
                ["last", "day", "of", "every" | "each", "month", behind @ ..] => {
                    plain(Every::Month(Some(31)), behind)
                }
                [day, "of", "every" | "each", "month", behind @ ..]
                | [day, "every" | "each", "month", behind @ ..] => {
                    plain(Every::Month(Some(ordinal(day)?)), behind)
                }
                _ => None,
            }
        }
    }
}

/// Parses what follows “every”.
fn every<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Every> {
    match words {
        ["day", rest @ ..] | ["single", "day", rest @ ..] => Some((Every::Day, rest)),
        ["weekday" | "workday", rest @ ..] | ["working" | "business" | "work", "day", rest @ ..] => {
            Some((Every::Weekday, rest))
        }
        ["week", rest @ ..] => weeks(1, rest),
        ["other" | "second", "week", rest @ ..] => weeks(2, rest),
        ["other" | "second", name, rest @ ..] => Some((Every::Weeks(2, Some(weekday_after(name)?)), rest)),
        ["month", rest @ ..] => monthly(rest),
        ["last", "day", "of", "the", "month", rest @ ..] => Some((Every::Month(Some(31)), rest)),
        [day, "of", "the", "month", rest @ ..] => Some((Every::Month(Some(ordinal(day)?)), rest)),
        [count, "week" | "weeks", rest @ ..] => {
            let count = number(count).filter(|count| (1..=MAX_WEEKS).contains(count))?;
            weeks(u8::try_from(count).ok()?, rest)
        }
        words => list(words, weekday_after).map(|(days, rest)| (Every::DaysOfWeek(days), rest)),
    }
}

/// Parses the day after “every week”, which may also come elsewhere in the phrase.
fn weeks<'a, 'b>(count: u8, words: &'b [&'a str]) -> Parsed<'a, 'b, Every> {
    let behind = match words {
        ["on", rest @ ..] => rest,
        words => words,
    };
    let Some((days, rest)) = list(behind, |token| weekday_after(token).or_else(|| weekdays(token))) else {
        return Some((Every::Weeks(count, None), words));
    };
    let mut named = days.iter();
    match (count, named.next(), named.next()) {
        (1, _, _) => Some((Every::DaysOfWeek(days), rest)),
        (count, Some(day), None) => Some((Every::Weeks(count, Some(day)), rest)),
        (_, _, _) => None,
    }
}

/// Parses the day after “every month”, which may also come elsewhere in the phrase.
fn monthly<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Every> {
    match words {
        ["on", "the", "last", "day", rest @ ..] => Some((Every::Month(Some(31)), rest)),
        ["on", "the", day, rest @ ..]
        | ["on", day, rest @ ..]
        | ["the", day, rest @ ..]
        | [day, rest @ ..]
            if ordinal(day).is_some() =>
        {
            Some((Every::Month(ordinal(day)), rest))
        }
        ["on", "day", day, rest @ ..] if day_of_month(day).is_some() => {
            Some((Every::Month(day_of_month(day)), rest))
        }
        words => Some((Every::Month(None), words)),
    }
}

/// Parses a list of weekdays: “monday”, “monday, wednesday and friday”.
fn list<'a, 'b>(words: &'b [&'a str], name: impl Fn(&str) -> Option<Weekday>) -> Parsed<'a, 'b, DaysOfWeek> {
    let (first, mut rest) = words.split_first()?;
    let mut days = vec![name(first)?];
    while let ["and" | "&", "every" | "each" | "on", next, behind @ ..]
    | ["and" | "&", next, behind @ ..]
    | [next, behind @ ..] = rest
    {
        let Some(day) = name(next) else { break };
        days.push(day);
        rest = behind;
    }
    Some((days.into_iter().collect(), rest))
}
