//! Recurrences: on which days, at what time and in which zone something repeats.
//! Does not store what repeats.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Serialize};

use super::Zone;

/// A local time on certain days, in one time zone.
///
/// Across a daylight saving change no occurrence is early or doubled, and none is later than the end of the gap.
///
/// # Examples
///
/// ```
/// use herald::agent::calendar::{Days, Recurrence, Zone};
/// use jiff::civil::{Weekday, time};
///
/// let mondays = Recurrence {
///     days: Days::Weekly(Weekday::Monday),
///     at: time(9, 0, 0, 0),
///     zone: Zone::named("Europe/Zurich")?,
/// };
///
/// let next = mondays.next_after("2026-11-20T12:00:00Z".parse()?);
/// assert_eq!(next, Some("2026-11-23T08:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The days on which it occurs.
    pub days: Days,
    /// The local time of each occurrence.
    pub at: Time,
    /// The time zone of the local time.
    pub zone: Zone,
}

/// The days of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Days {
    /// Every day.
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// One day of every week.
    #[serde(with = "weekday")]
    Weekly(Weekday),
    /// Several days of every week.
    EveryWeek(DaysOfWeek),
    /// One day of every few weeks.
    EveryWeeks {
        /// The number of weeks from one occurrence to the next.
        weeks: u8,
        /// The date of one of the occurrences, which determines the day and the weeks.
        from: Date,
    },
    /// This day of every month, 1 to 31; the last day of a shorter month.
    Monthly(i8),
}

/// A set of days of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct DaysOfWeek(u8);

/// Days that are searched for the next occurrence: two of the longest months, and days that a zone may skip.
const MAX_SEARCH_DAYS: usize = 66;

impl Recurrence {
    /// Returns the first occurrence after `after`; `None` at the end of the representable time.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        // Starts one day back: a gap over midnight moves yesterday's occurrence to today.
        let first = self.zone.to_datetime(after).date().yesterday().ok()?;
        let occurrences = first
            .series(jiff::Span::new().days(1))
            .take(self.days.search_days())
            .filter(|date| self.days.contains(*date))
            .map(|date| self.zone.to_timestamp(date.to_datetime(self.at)));
        occurrences.into_iter().find(|occurrence| *occurrence > after)
    }
}

impl Days {
    fn search_days(self) -> usize {
        match self {
            Self::EveryWeeks { weeks, .. } => MAX_SEARCH_DAYS + 7 * usize::from(weeks),
            Self::Daily | Self::Weekdays | Self::Weekly(_) | Self::EveryWeek(_) | Self::Monthly(_) => {
                MAX_SEARCH_DAYS
            }
        }
    }

    fn contains(self, date: Date) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekdays => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
            Self::Weekly(day) => date.weekday() == day,
            Self::EveryWeek(days) => days.contains(date.weekday()),
            Self::EveryWeeks { weeks, from } => {
                let apart = from.until(date).map_or(1, |apart| apart.get_days());
                apart.rem_euclid(7 * i32::from(weeks.max(1))) == 0
            }
            Self::Monthly(day) => date.day() == day.clamp(1, date.days_in_month()),
        }
    }
}

impl DaysOfWeek {
    /// Whether `day` is in the set.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// Returns the days of the set, from Monday.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday.cycle_forward().take(7).filter(move |day| self.contains(*day))
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}

impl FromIterator<Weekday> for DaysOfWeek {
    fn from_iter<T: IntoIterator<Item = Weekday>>(days: T) -> Self {
        Self(days.into_iter().fold(0, |days, day| days | Self::bit(day)))
    }
}

impl From<DaysOfWeek> for Vec<String> {
    fn from(days: DaysOfWeek) -> Self {
        days.iter().map(|day| weekday::name(day).to_owned()).collect()
    }
}

impl TryFrom<Vec<String>> for DaysOfWeek {
    type Error = &'static str;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        let days = names.iter().map(|name| weekday::named(name)).collect::<Option<Self>>();
        days.filter(|days| *days != Self::default()).ok_or("not days of the week")
    }
}

/// Serializes days of the week by their English names.
mod weekday {
    use jiff::civil::Weekday;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    pub(super) fn name(day: Weekday) -> &'static str {
        NAMES[usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()]
    }

    pub(super) fn named(name: &str) -> Option<Weekday> {
        let index = NAMES.iter().position(|known| *known == name)?;
        Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires a reference")]
    pub(super) fn serialize<S: Serializer>(day: &Weekday, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name(*day))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weekday, D::Error> {
        named(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not a day of the week"))
    }
}
