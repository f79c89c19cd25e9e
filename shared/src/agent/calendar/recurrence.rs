//! What comes back: on which days, at what time, on the clocks of which zone.
//! It is said with what it comes back by whoever keeps it.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Serialize};

use super::Zone;

/// A time of day on certain days, on the clocks of one zone.
///
/// A change of clocks makes none of them early, late by more than what the clocks skip, or double.
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
    /// On which days.
    pub days: Days,
    /// At what time.
    pub at: Time,
    /// On whose clocks.
    pub zone: Zone,
}

/// Days that come back.
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
    /// This day of every month, 1 to 31; in shorter months their last.
    Monthly(i8),
}

/// Days that are looked through for the next: more than any month has, and two that a zone may skip.
const LOOKED_THROUGH: usize = 66;

impl Recurrence {
    /// The first moment after `after`, `None` at the end of time.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        // One day back: clocks that are put forward over midnight have a time of yesterday come today.
        let first = self.zone.shown(after).date().yesterday().ok()?;
        let moments = first
            .series(jiff::Span::new().days(1))
            .take(LOOKED_THROUGH)
            .filter(|date| self.days.hold(*date))
            .map(|date| self.zone.moment(date.to_datetime(self.at)));
        moments.into_iter().find(|moment| *moment > after)
    }
}

impl Days {
    fn hold(self, date: Date) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekdays => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
            Self::Weekly(day) => date.weekday() == day,
            Self::Monthly(day) => date.day() == day.clamp(1, date.days_in_month()),
        }
    }
}

/// Days of the week as records name them.
mod weekday {
    use jiff::civil::Weekday;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
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
