//! Time of a reminder: what a phrase means at one moment in one time zone.
//! What it does not mean for certain is a question.

use herald::agent::{Days, Recurrence, Zone};
use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, Timestamp};

use super::phrase::{Clock, Day, Delay, Every, Part, Phrase, Which};
use super::question::Question;

/// Default time of day.
const MORNING: Time = Time::constant(9, 0, 0, 0);

/// Time of a reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// Once.
    Once(Timestamp),
    /// On every occurrence.
    Every(Recurrence),
}

/// Resolver of phrases for a time zone and a current time.
pub(super) struct Resolver<'a> {
    pub(super) zone: &'a Zone,
    pub(super) now: Timestamp,
}

impl Resolver<'_> {
    /// Returns the time that `phrase` means.
    pub(super) fn due(&self, phrase: &Phrase) -> Result<Due, Question> {
        match (phrase.delay, phrase.every) {
            (None, None) => self.once(phrase),
            (Some(delay), None) => self.after(delay, phrase),
            (None, Some(every)) => self.every(every, phrase),
            (Some(_), Some(_)) => Err(Question::Several),
        }
    }

    /// Resolves a delay: “in 10 minutes”, “in 3 days at noon”.
    fn after(&self, delay: Delay, phrase: &Phrase) -> Result<Due, Question> {
        if phrase.day.is_some() || phrase.weekday.is_some() {
            return Err(Question::Several);
        }
        let time = time_of(phrase)?;
        let span = match (delay, time) {
            (Delay::Exact(_), Some(_)) => return Err(Question::Several),
            (Delay::Exact(delay), None) => {
                return self.now.checked_add(delay).map(Due::Once).map_err(|_| Question::NoTime);
            }
            (Delay::Days(days), _) => Span::new().days(days),
            (Delay::Months(months), _) => Span::new().months(months),
        };
        if phrase.clock.is_some_and(|clock| clock.is_midnight) {
            return Err(Question::Midnight);
        }
        let local = self.zone.to_datetime(self.now);
        let date = local.date().checked_add(span).map_err(|_| Question::NoTime)?;
        Ok(self.on(date, time.unwrap_or(local.time())))
    }

    /// Resolves a recurrence.
    fn every(&self, every: Every, phrase: &Phrase) -> Result<Due, Question> {
        let at = time_of(phrase)?.unwrap_or(MORNING);
        if phrase.clock.is_some_and(|clock| clock.is_midnight) && every != Every::Day {
            return Err(Question::Midnight);
        }
        let days = match (every, phrase.weekday, phrase.day) {
            (Every::Day, None, None) => Days::Daily,
            (Every::Weekday, None, None) => Days::Weekdays,
            (Every::DaysOfWeek(days), None, None) => {
                let mut named = days.iter();
                match (named.next(), named.next()) {
                    (Some(day), None) => Days::Weekly(day),
                    (_, _) => Days::EveryWeek(days),
                }
            }
            (Every::Weeks(1, Some(day)), None, None)
            | (Every::Weeks(1, None), Some((Which::Coming, day)), None) => Days::Weekly(day),
            (Every::Weeks(weeks, Some(day)), None, None)
            | (Every::Weeks(weeks, None), Some((Which::Coming, day)), None) => {
                Days::EveryWeeks { weeks, from: self.coming(day, at)? }
            }
            (Every::Month(Some(day)), None, None) | (Every::Month(None), None, Some(Day::OfMonth(day))) => {
                Days::Monthly(day)
            }
            (Every::Weeks(_, None) | Every::Month(None), None, None) => return Err(Question::WhichDay),
            (_, _, _) => return Err(Question::Several),
        };
        Ok(Due::Every(Recurrence { days, at, zone: self.zone.clone() }))
    }

    /// Resolves a time of day and a day.
    fn once(&self, phrase: &Phrase) -> Result<Due, Question> {
        let time = time_of(phrase)?;
        if phrase.day.is_none() && phrase.weekday.is_none() {
            return self.next(time.ok_or(Question::NoTime)?);
        }
        if phrase.clock.is_some_and(|clock| clock.is_midnight) {
            return Err(Question::Midnight);
        }
        let at = match (phrase.day, time) {
            (Some(Day::In(0)), None) => return Err(Question::WhichTime),
            (_, time) => time.unwrap_or(MORNING),
        };
        let date = match (phrase.weekday, phrase.day) {
            (Some((Which::Coming, weekday)), None) => self.coming(weekday, at)?,
            (Some((which, weekday)), None) => self.named(which, weekday)?,
            (Some((Which::Coming, weekday)), Some(Day::NextWeek)) => self.of_week(1, weekday)?,
            (Some((Which::Coming, weekday)), Some(day)) => {
                let date = self.date(day, at)?;
                if date.weekday() != weekday {
                    return Err(Question::OtherWeekday(date));
                }
                date
            }
            (Some(_), Some(_)) => return Err(Question::Several),
            (None, Some(day)) => self.date(day, at)?,
            (None, None) => return Err(Question::NoTime),
        };
        Ok(self.on(date, at))
    }

    /// Returns the date of a day; one without a year or month is the next on which `at` is in the future.
    fn date(&self, day: Day, at: Time) -> Result<Date, Question> {
        let today = self.today();
        match day {
            Day::In(days) => today.checked_add(Span::new().days(days)).map_err(|_| Question::NoTime),
            Day::NextWeek => Err(Question::WhichDay),
            Day::Date(date) => Ok(date),
            Day::OfMonth(day) => {
                let months = today.first_of_month().series(Span::new().months(1)).take(14);
                self.first(months.filter_map(|month| month.with().day(day).build().ok()), at)
            }
            Day::OfYear(day, month) => {
                let years = today.year()..today.year().saturating_add(9);
                self.first(years.filter_map(|year| Date::new(year, month, day).ok()), at)
            }
        }
    }

    /// Returns the next date of a weekday on which `at` is in the future.
    fn coming(&self, weekday: Weekday, at: Time) -> Result<Date, Question> {
        let dates = self.today().series(Span::new().days(1)).take(8);
        self.first(dates.filter(|date| date.weekday() == weekday), at)
    }

    /// Returns the first of the dates on which `at` is in the future.
    fn first(&self, mut dates: impl Iterator<Item = Date>, at: Time) -> Result<Date, Question> {
        dates.find(|date| self.is_in_future(*date, at)).ok_or(Question::NoTime)
    }

    /// Returns the date of “this” or “next” weekday; the latter is a question where it has two meanings.
    fn named(&self, which: Which, weekday: Weekday) -> Result<Date, Question> {
        let (this, next) = (self.of_week(0, weekday)?, self.of_week(1, weekday)?);
        match which {
            Which::Coming | Which::This => Ok(this),
            Which::Next if this > self.today() => Err(Question::WhichOf(this, next)),
            Which::Next => Ok(next),
        }
    }

    /// Returns the date of a weekday this week, or so many `weeks` later.
    fn of_week(&self, weeks: i32, weekday: Weekday) -> Result<Date, Question> {
        let today = self.today();
        let days = i32::from(weekday.to_monday_zero_offset() - today.weekday().to_monday_zero_offset());
        today.checked_add(Span::new().days(days + 7 * weeks)).map_err(|_| Question::NoTime)
    }

    fn today(&self) -> Date {
        self.zone.to_datetime(self.now).date()
    }

    fn on(&self, date: Date, time: Time) -> Due {
        Due::Once(self.zone.to_timestamp(date.to_datetime(time)))
    }

    /// Returns the next moment at which the local time is `time`.
    fn next(&self, time: Time) -> Result<Due, Question> {
        let days = Recurrence { days: Days::Daily, at: time, zone: self.zone.clone() };
        days.next_after(self.now).map(Due::Once).ok_or(Question::NoTime)
    }

    fn is_in_future(&self, date: Date, time: Time) -> bool {
        self.zone.to_timestamp(date.to_datetime(time)) > self.now
    }
}

/// Returns the time of day of a phrase; a question where the time is not in the part of the day.
fn time_of(phrase: &Phrase) -> Result<Option<Time>, Question> {
    let Some(part) = phrase.part else { return Ok(phrase.clock.map(|clock| clock.at)) };
    let Some(Clock { at, is_exact, .. }) = phrase.clock else {
        let hour = match part {
            Part::Morning => MORNING,
            Part::Afternoon => Time::constant(14, 0, 0, 0),
            Part::Evening => Time::constant(18, 0, 0, 0),
            Part::Night => Time::constant(20, 0, 0, 0),
        };
        return Ok(Some(hour));
    };
    let hours = match part {
        Part::Morning => 0..12,
        Part::Afternoon => 12..19,
        Part::Evening => 17..24,
        Part::Night => 18..24,
    };
    let later = at.wrapping_add(Span::new().hours(12));
    match is_exact {
        _ if hours.contains(&at.hour()) => Ok(Some(at)),
        false if at.hour() < 12 && hours.contains(&later.hour()) => Ok(Some(later)),
        _ => Err(Question::OtherPart),
    }
}
