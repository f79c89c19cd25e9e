//! Parser of times of day, durations, weekdays and months.
//! They are combined into the time of a reminder in `due`.

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

use crate::order_desk::when;

/// Default time of day.
pub(super) const MORNING: Time = Time::constant(9, 0, 0, 0);

/// Maximum duration in seconds: ten years.
const MAX_SECONDS: i64 = 10 * 366 * 24 * 3600;

/// Parsed value and the remaining words.
pub(super) type Parsed<'a, 'b, T> = Option<(T, &'b [&'a str])>;

/// Parses an optional time of day: “at 9”, “9am”, “morning”; `None` if “at” is not followed by a time.
pub(super) fn time_of_day<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, Option<Time>> {
    match words {
        ["at", rest @ ..] => when::time(rest).map(|(time, rest)| (Some(time), rest)),
        ["morning", rest @ ..] => Some((Some(MORNING), rest)),
        ["afternoon", rest @ ..] => Some((Some(Time::constant(14, 0, 0, 0)), rest)),
        ["evening", rest @ ..] => Some((Some(Time::constant(18, 0, 0, 0)), rest)),
        // A plain number may be part of the text: “tomorrow 2 parcels come”.
        [token, ..]
            if token.contains(':') || token.ends_with("am") || token.ends_with("pm") || *token == "noon" =>
        {
            Some(when::time(words).map_or((None, words), |(time, rest)| (Some(time), rest)))
        }
        words => Some((None, words)),
    }
}

/// Parses a duration: “10 minutes”, “an hour”, “half an hour”, “1 hour and 30 minutes”, “2h”.
pub(super) fn duration<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, SignedDuration> {
    let (seconds, mut rest) = part(words)?;
    let mut all = seconds;
    if let ["and", more @ ..] = rest
        && let Some((seconds, behind)) = part(more)
    {
        (all, rest) = (all.checked_add(seconds)?, behind);
    }
    (1..=MAX_SECONDS).contains(&all).then(|| (SignedDuration::from_secs(all), rest))
}

/// Parses one part of a duration; returns its seconds.
fn part<'a, 'b>(words: &'b [&'a str]) -> Parsed<'a, 'b, i64> {
    match words {
        ["half", "an", "hour", rest @ ..] => Some((1_800, rest)),
        ["a" | "an" | "one", name, rest @ ..] => Some((unit(name)?, rest)),
        [joined, rest @ ..] if joined.len() < 16 => {
            let end = joined.find(|char: char| !char.is_ascii_digit()).unwrap_or(joined.len());
            let (count, name) = joined.split_at(end);
            let count: i64 = count.parse().ok()?;
            let (name, rest) = match (name, rest.split_first()) {
                ("", Some((name, rest))) => (*name, rest),
                (name, _) => (name, rest),
            };
            Some((count.checked_mul(unit(name)?)?, rest))
        }
        _ => None,
    }
}

/// Returns the seconds of a unit of time.
fn unit(name: &str) -> Option<i64> {
    Some(match name {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    })
}

/// Parses the name of a weekday.
pub(super) fn weekday(token: &str) -> Option<Weekday> {
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let index = names.iter().position(|name| *name == token || token.strip_suffix('s') == Some(name))?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

/// Parses the name of a month; returns its number.
pub(super) fn month(token: &str) -> Option<i8> {
    let names = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let index =
        names.iter().position(|name| *name == token || (token.len() == 3 && name.starts_with(token)))?;
    i8::try_from(index + 1).ok()
}
