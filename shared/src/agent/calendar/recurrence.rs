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
    /// This day of every month, 1 to 31; the last day of a shorter month.
    Monthly(i8),
}

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
            .take(MAX_SEARCH_DAYS)
            .filter(|date| self.days.contains(*date))
            .map(|date| self.zone.to_timestamp(date.to_datetime(self.at)));
        occurrences.into_iter().find(|occurrence| *occurrence > after)
    }
}

impl Days {
    fn contains(self, date: Date) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekdays => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
            Self::Weekly(day) => date.weekday() == day,
            Self::Monthly(day) => date.day() == day.clamp(1, date.days_in_month()),
        }
    }
}

/// Serializes days of the week by their English names.
mod weekday {
    use jiff::civil::Weekday;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires a reference")]
    pub(super) fn serialize<S: Serializer>(day: &Weekday, serializer: S) -> Result<S::Ok, S::Error> {
        let index = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        serializer.serialize_str(NAMES[index])
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weekday, D::Error> {
        let name = String::deserialize(deserializer)?;
        let index = NAMES.iter().position(|known| *known == name);
        let day = index.and_then(|index| Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok());
        day.ok_or_else(|| D::Error::custom("not a day of the week"))
    }
}
