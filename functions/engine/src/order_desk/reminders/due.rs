//! Parser of the time and the text of a reminder in plain English.
//! Ambiguous text is not guessed: the user is asked.

use herald::agent::{Days, Recurrence, Zone};
use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::words::{MORNING, Parsed, duration, month, time_of_day, weekday};
use crate::order_desk::when;

/// Time of a reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// Once.
    Once(Timestamp),
    /// On every occurrence.
    Every(Recurrence),
}

/// Parses the text after “remind me” into the time and the text of a reminder. The time is at its beginning or its end.
pub(super) fn read(asked: &str, zone: &Zone, now: Timestamp) -> Option<(Due, String)> {
    let words: Vec<&str> = asked.split_whitespace().collect();
    let plain: Vec<String> =
        words.iter().map(|token| token.trim_end_matches(['.', '!', '?', ',']).to_lowercase()).collect();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let reader = Reader { zone, now };
    if let Some((due, rest)) = reader.due(&plain) {
        return Some((due, text(&words[words.len() - rest.len()..])));
    }
    // “to call Robin tomorrow at 9”: the longest suffix that is a complete time.
    (1..words.len()).find_map(|begin| {
        let (due, rest) = reader.due(&plain[begin..])?;
        rest.is_empty().then(|| (due, text(&words[..begin])))
    })
}

/// Returns the text of a reminder without its introduction, for example “to”.
fn text(words: &[&str]) -> String {
    let words = match words {
        [first, rest @ ..] if ["to", "that", "about", "of", ":"].contains(&first.to_lowercase().as_str()) => {
            rest
        }
        words => words,
    };
    words.join(" ").trim_end_matches(['.', '!', ',']).to_owned()
}

/// Parser for a time zone and a current time.
struct Reader<'a> {
    zone: &'a Zone,
    now: Timestamp,
}

impl Reader<'_> {
    /// Parses the time at the beginning of `words`.
    fn due<'a, 'b>(&self, words: &'b [&'a str]) -> Parsed<'a, 'b, Due> {
        match words {
            ["in", rest @ ..] => {
                let (seconds, rest) = duration(rest)?;
                Some((Due::Once(self.now.checked_add(seconds).ok()?), rest))
            }
            ["every" | "each", rest @ ..] => self.every(rest),
            ["daily", rest @ ..] => self.at_time(Days::Daily, rest),
            ["at", rest @ ..] => {
                let (time, rest) = when::time(rest)?;
                match rest {
                    ["today", rest @ ..] => Some((self.on(self.today(), time), rest)),
                    ["tomorrow", rest @ ..] => Some((self.on(self.today().tomorrow().ok()?, time), rest)),
                    ["on", rest @ ..] => {
                        let (date, rest) = self.date(rest, time)?;
                        Some((self.on(date, time), rest))
                    }
                    rest => Some((self.next(time)?, rest)),
                }
            }
            ["today", rest @ ..] => {
                let (time, rest) = time_of_day(rest)?;
                Some((self.on(self.today(), time?), rest))
            }
            ["tonight", rest @ ..] => {
                let (time, rest) = time_of_day(rest)?;
                Some((self.on(self.today(), time.unwrap_or(Time::constant(20, 0, 0, 0))), rest))
            }
            ["tomorrow", rest @ ..] => {
                let (time, rest) = time_of_day(rest)?;
                Some((self.on(self.today().tomorrow().ok()?, time.unwrap_or(MORNING)), rest))
            }
            ["on" | "next", rest @ ..] => self.day(rest),
            [_, ..] => self.day(words),
            [] => None,
        }
    }

    /// Parses a date with a time: “Monday at 9”, “24 December”, “2026-12-24 at noon”.
    fn day<'a, 'b>(&self, words: &'b [&'a str]) -> Parsed<'a, 'b, Due> {
        let (_, behind) = self.date(words, Time::midnight())?;
        let (time, rest) = time_of_day(behind)?;
        let time = time.unwrap_or(MORNING);
        let (date, _) = self.date(words, time)?;
        Some((self.on(date, time), rest))
    }

    /// Parses a date; for a weekday or a date without a year, returns the next one on which `time` is in the future.
    fn date<'a, 'b>(&self, words: &'b [&'a str], time: Time) -> Parsed<'a, 'b, Date> {
        let (first, rest) = words.split_first()?;
        if let Some(day) = weekday(first) {
            let mut dates = self.today().series(jiff::Span::new().days(1)).take(8);
            let date = dates.find(|date| date.weekday() == day && self.is_in_future(*date, time))?;
            return Some((date, rest));
        }
        if first.len() == 10
            && let Ok(date) = first.parse::<Date>()
        {
            return Some((date, rest));
        }
        let (second, rest) = rest.split_first()?;
        let (day, month) = match (month(second), month(first)) {
            (Some(month), _) => (first, month),
            (None, Some(month)) => (second, month),
            (None, None) => return None,
        };
        let day = ["st", "nd", "rd", "th"].into_iter().find_map(|end| day.strip_suffix(end)).unwrap_or(day);
        let day: i8 = day.parse().ok()?;
        let (year, rest) = match rest.split_first() {
            Some((year, rest)) if year.len() == 4 && year.parse::<i16>().is_ok() => (year.parse().ok(), rest),
            Some(_) | None => (None, rest),
        };
        let this_year = self.today().year();
        let date = match year {
            Some(year) => Date::new(year, month, day).ok()?,
            // The 29th of February is not in every year.
            None => (this_year..this_year + 9)
                .filter_map(|year| Date::new(year, month, day).ok())
                .find(|date| self.is_in_future(*date, time))?,
        };
        Some((date, rest))
    }

    /// Parses a recurrence: “Monday at 9”, “weekday”, “day at noon”, “month on the 5th at 8”.
    fn every<'a, 'b>(&self, words: &'b [&'a str]) -> Parsed<'a, 'b, Due> {
        match words {
            ["day" | "morning", rest @ ..] => self.at_time(Days::Daily, rest),
            ["weekday" | "workday", rest @ ..] => self.at_time(Days::Weekdays, rest),
            ["month", rest @ ..] => {
                let rest = match rest {
                    ["on", "the", rest @ ..] | ["on", rest @ ..] => rest,
                    rest => rest,
                };
                let (day, rest) = rest.split_first()?;
                let day = ["st", "nd", "rd", "th"].into_iter().find_map(|end| day.strip_suffix(end))?;
                let day: i8 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
                self.at_time(Days::Monthly(day), rest)
            }
            [day, rest @ ..] => self.at_time(Days::Weekly(weekday(day)?), rest),
            [] => None,
        }
    }

    fn at_time<'a, 'b>(&self, days: Days, words: &'b [&'a str]) -> Parsed<'a, 'b, Due> {
        let (time, rest) = time_of_day(words)?;
        let recurrence = Recurrence { days, at: time.unwrap_or(MORNING), zone: self.zone.clone() };
        Some((Due::Every(recurrence), rest))
    }

    fn today(&self) -> Date {
        self.zone.to_datetime(self.now).date()
    }

    fn on(&self, date: Date, time: Time) -> Due {
        Due::Once(self.zone.to_timestamp(date.to_datetime(time)))
    }

    /// Returns the next moment at which the local time is `time`.
    fn next(&self, time: Time) -> Option<Due> {
        let days = Recurrence { days: Days::Daily, at: time, zone: self.zone.clone() };
        days.next_after(self.now).map(Due::Once)
    }

    fn is_in_future(&self, date: Date, time: Time) -> bool {
        self.zone.to_timestamp(date.to_datetime(time)) > self.now
    }
}
