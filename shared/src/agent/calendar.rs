//! Time zones, quiet hours and recurrences, correct across daylight saving changes.
//! Does not parse EventBridge Scheduler expressions.

mod quiet;
mod recurrence;

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

pub use self::quiet::{InvalidQuietHours, QuietHours};
pub use self::recurrence::{Days, DaysOfWeek, Recurrence};
use crate::protocol::conversation::ConversationReference;

/// A time zone of the IANA database.
///
/// A local time in a gap resolves to the end of the gap, and one in a fold to the first occurrence.
///
/// # Examples
///
/// ```
/// use herald::agent::calendar::Zone;
///
/// let zurich = Zone::named("Europe/Zurich")?;
///
/// // 02:30 is in a gap: resolves to its end.
/// assert_eq!(zurich.to_timestamp("2027-03-28T02:30".parse()?).to_string(), "2027-03-28T01:00:00Z");
/// // 02:30 is in a fold: resolves to the first occurrence.
/// assert_eq!(zurich.to_timestamp("2027-10-31T02:30".parse()?).to_string(), "2027-10-31T00:30:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// The error of looking up a name that is not in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IANA time zone, e.g. Europe/Zurich")]
pub struct UnknownZone(pub String);

impl Zone {
    /// Returns the zone called `name`, ignoring case.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] when the IANA database does not contain the name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(name.chars().filter(|char| !char.is_control()).take(64).collect());
        let rules = TimeZone::get(name).ok().filter(|rules| !rules.is_unknown()).ok_or_else(unknown)?;
        let name = rules.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, rules })
    }

    /// Returns UTC, the default where no zone is known.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// Returns the user's time zone in a conversation, where it is known and in the IANA database.
    #[must_use]
    pub fn of(reference: &ConversationReference) -> Option<Self> {
        reference.timezone.as_deref().and_then(|zone| Self::named(zone).ok())
    }

    /// Returns the IANA name of the zone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the local time at `at`.
    #[must_use]
    pub fn to_datetime(&self, at: Timestamp) -> DateTime {
        self.rules.to_datetime(at)
    }

    /// Returns the timestamp of the local time `time`: the first of two in a fold, and the end of a gap.
    #[must_use]
    pub fn to_timestamp(&self, time: DateTime) -> Timestamp {
        let ambiguous = self.rules.to_ambiguous_timestamp(time);
        let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        // For a time in a gap this is before the transition, by at most the length of the gap.
        let first = ambiguous.earlier().unwrap_or(match time.year() {
            ..0 => Timestamp::MIN,
            0.. => Timestamp::MAX,
        });
        let change = self.rules.following(first).next().filter(|_| is_gap);
        change.map_or(first, |change| change.timestamp())
    }

    /// Whether the local time `time` never occurs, because it is in a gap.
    #[must_use]
    pub fn is_gap(&self, time: DateTime) -> bool {
        matches!(self.rules.to_ambiguous_timestamp(time).offset(), AmbiguousOffset::Gap { .. })
    }

    /// Whether the local time `time` occurs twice, because it is in a fold.
    #[must_use]
    pub fn is_fold(&self, time: DateTime) -> bool {
        matches!(self.rules.to_ambiguous_timestamp(time).offset(), AmbiguousOffset::Fold { .. })
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        Self::named(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests;
