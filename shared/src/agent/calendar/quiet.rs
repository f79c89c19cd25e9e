//! Quiet hours: the hours of each day in which a user receives no notification.
//! Does not decide what is deferred; [`crate::broadcast::preferences`] does.

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::Zone;

/// Quiet hours of every day; they cross midnight when they end earlier than they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Hours", into = "Hours")]
pub struct QuietHours {
    from: Time,
    to: Time,
}

/// The error of quiet hours that begin and end at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours end when they begin: give two times, such as 22:00 and 07:00")]
pub struct InvalidQuietHours;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    from: Time,
    to: Time,
}

impl QuietHours {
    /// Returns the quiet hours from `from` to `to`.
    ///
    /// # Errors
    ///
    /// [`InvalidQuietHours`] when `from` equals `to`.
    pub fn new(from: Time, to: Time) -> Result<Self, InvalidQuietHours> {
        if from == to { Err(InvalidQuietHours) } else { Ok(Self { from, to }) }
    }

    /// Returns the time of day at which they begin.
    #[must_use]
    pub fn from(&self) -> Time {
        self.from
    }

    /// Returns the time of day at which they end.
    #[must_use]
    pub fn to(&self) -> Time {
        self.to
    }

    /// Returns when the quiet hours end that are in effect at `now` in `zone`; `None` outside of quiet hours.
    #[must_use]
    pub fn end(&self, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
        let today = zone.to_datetime(now).date();
        // Yesterday's may still be in effect, over midnight or after a daylight saving change.
        [today.yesterday().ok()?, today].into_iter().find_map(|date| {
            let last = if self.from < self.to { date } else { date.tomorrow().ok()? };
            let begin = zone.to_timestamp(date.to_datetime(self.from));
            let end = zone.to_timestamp(last.to_datetime(self.to));
            (begin <= now && now < end).then_some(end)
        })
    }
}

impl TryFrom<Hours> for QuietHours {
    type Error = InvalidQuietHours;

    fn try_from(hours: Hours) -> Result<Self, InvalidQuietHours> {
        Self::new(hours.from, hours.to)
    }
}

impl From<QuietHours> for Hours {
    fn from(hours: QuietHours) -> Self {
        Self { from: hours.from, to: hours.to }
    }
}
