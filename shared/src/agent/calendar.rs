//! The calendar: what the clocks of a zone show when, over their changes, and what comes back regularly.
//! EventBridge's own expressions are not read here: their rules are the scheduler's.

mod quiet;
mod recurrence;

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

pub use self::quiet::{NeverQuiet, QuietHours};
pub use self::recurrence::{Days, Recurrence};
use crate::protocol::conversation::ConversationReference;

/// A time zone of the IANA database.
///
/// Clocks that are put forward skip some times and clocks that are put back show some twice:
///
/// ```
/// use herald::agent::calendar::Zone;
///
/// let zurich = Zone::named("Europe/Zurich")?;
///
/// // 02:30 is skipped: the first moment after it is meant.
/// assert_eq!(zurich.moment("2027-03-28T02:30".parse()?).to_string(), "2027-03-28T01:00:00Z");
/// // 02:30 comes twice: the first is meant.
/// assert_eq!(zurich.moment("2027-10-31T02:30".parse()?).to_string(), "2027-10-31T00:30:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// A name that is none of a zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IANA time zone, e.g. Europe/Zurich")]
pub struct UnknownZone(pub String);

impl Zone {
    /// The zone of this name, in either case.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`].
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(name.chars().filter(|char| !char.is_control()).take(64).collect());
        let rules = TimeZone::get(name).ok().filter(|rules| !rules.is_unknown()).ok_or_else(unknown)?;
        let name = rules.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, rules })
    }

    /// The zone that stands in where none is known.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// Returns the time zone of the person in a conversation, where it is known and in the IANA database.
    #[must_use]
    pub fn of(reference: &ConversationReference) -> Option<Self> {
        reference.timezone.as_deref().and_then(|zone| Self::named(zone).ok())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What its clocks show at `at`.
    #[must_use]
    pub fn shown(&self, at: Timestamp) -> DateTime {
        self.rules.to_datetime(at)
    }

    /// The moment at which its clocks show `time`: the first where they do twice, and where they never do the moment
    /// at which they skip it.
    #[must_use]
    pub fn moment(&self, time: DateTime) -> Timestamp {
        let ambiguous = self.rules.to_ambiguous_timestamp(time);
        let is_skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        // Of a time that is skipped this is before the change, as far as the clocks are put forward at most.
        let first = ambiguous.earlier().unwrap_or(match time.year() {
            ..0 => Timestamp::MIN,
            0.. => Timestamp::MAX,
        });
        let change = self.rules.following(first).next().filter(|_| is_skipped);
        change.map_or(first, |change| change.timestamp())
    }

    /// Whether its clocks never show `time`.
    #[must_use]
    pub fn skips(&self, time: DateTime) -> bool {
        matches!(self.rules.to_ambiguous_timestamp(time).offset(), AmbiguousOffset::Gap { .. })
    }

    /// Whether its clocks show `time` twice.
    #[must_use]
    pub fn repeats(&self, time: DateTime) -> bool {
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
