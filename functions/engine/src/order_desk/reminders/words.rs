//! Parser of single words of time: numbers, units, weekdays, months, days of a month.
//! They are combined in `phrase`.

use jiff::civil::Weekday;

use crate::order_desk::when;

/// Parsed value and the remaining words.
pub(super) type Parsed<'a, 'b, T> = Option<(T, &'b [&'a str])>;

/// Unit of a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds(i64),
    Days(i64),
    Months,
}

/// Parses the name of a unit.
pub(super) fn unit(name: &str) -> Option<Unit> {
    Some(match name {
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Seconds(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Seconds(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Seconds(3_600),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "fortnight" | "fortnights" => Unit::Days(14),
        "month" | "months" => Unit::Months,
        _ => return None,
    })
}

/// Parses a number of at most four digits or of one word.
pub(super) fn number(token: &str) -> Option<i64> {
    let is_digits = (1..=4).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_digit());
    let tens = match token {
        "fifteen" => Some(15),
        "twenty" => Some(20),
        "thirty" => Some(30),
        "forty" => Some(40),
        "forty-five" => Some(45),
        "fifty" => Some(50),
        "sixty" => Some(60),
        "ninety" => Some(90),
        _ => None,
    };
    match is_digits {
        true => token.parse().ok(),
        false => when::spelled_number(token).map(i64::from).or(tens),
    }
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Abbreviations of weekdays that are no other words.
const SHORT_WEEKDAYS: [&str; 8] = ["mon", "tue", "tues", "weds", "thu", "thur", "thurs", "fri"];

/// Abbreviations of weekdays that are other words too.
pub(super) const AMBIGUOUS_WEEKDAYS: [&str; 3] = ["wed", "sat", "sun"];

/// Parses the name of a weekday, or an abbreviation that is no other word.
pub(super) fn weekday(token: &str) -> Option<Weekday> {
    let is_short = SHORT_WEEKDAYS.contains(&token);
    named(|name| name == token || (is_short && name.starts_with(token)))
}

/// Parses the name of a weekday after a word such as “on”, where every abbreviation is one.
pub(super) fn weekday_after(token: &str) -> Option<Weekday> {
    let is_short = AMBIGUOUS_WEEKDAYS.contains(&token);
    weekday(token).or_else(|| named(|name| is_short && name.starts_with(token)))
}

/// Parses the plural of a weekday.
pub(super) fn weekdays(token: &str) -> Option<Weekday> {
    named(|name| token.strip_suffix('s') == Some(name))
}

fn named(is_name: impl Fn(&str) -> bool) -> Option<Weekday> {
    let index = WEEKDAYS.iter().position(|name| is_name(name))?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

const MONTHS: [&str; 12] = [
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

/// Parses the name of a month or its abbreviation; returns its number.
pub(super) fn month(token: &str) -> Option<i8> {
    let is_name = |name: &str| {
        name == token
            || (token.len() == 3 && name.starts_with(token))
            || (token == "sept" && name == "september")
    };
    let index = MONTHS.iter().position(|name| is_name(name))?;
    i8::try_from(index + 1).ok()
}

/// Whether `token` is a month and no other word.
pub(super) fn is_only_month(token: &str) -> bool {
    MONTHS.contains(&token) && !matches!(token, "may" | "march")
}

/// Parses a day of a month: “1st”, “24th”, “24”.
pub(super) fn day_of_month(token: &str) -> Option<i8> {
    ordinal(token)
        .or_else(|| (1..=2).contains(&token.len()).then(|| token.parse().ok())?)
        .filter(|day| (1..=31).contains(day))
}

/// Parses an ordinal number of a day: “1st”, “first”.
pub(super) fn ordinal(token: &str) -> Option<i8> {
    let digits = ["st", "nd", "rd", "th"].into_iter().find_map(|end| token.strip_suffix(end));
    let day = match token {
        "first" => Some(1),
        _ => digits.and_then(|digits| digits.parse().ok()),
    };
    day.filter(|day| (1..=31).contains(day))
}
