//! Quiet hours: from when to when somebody is not to be disturbed, on their own clocks.
//! What is put off until then, and what is not, is courtesy's decision.

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::Zone;

/// Hours of every day, over midnight where they end before they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Hours", into = "Hours")]
pub struct QuietHours {
    from: Time,
    to: Time,
}

/// Hours that begin when they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours end when they begin: give two times, such as 22:00 and 07:00")]
pub struct NeverQuiet;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    from: Time,
    to: Time,
}

impl QuietHours {
    /// The hours from `from` to `to`.
    ///
    /// # Errors
    ///
    /// [`NeverQuiet`]: they are the same.
    pub fn new(from: Time, to: Time) -> Result<Self, NeverQuiet> {
        if from == to { Err(NeverQuiet) } else { Ok(Self { from, to }) }
    }

    /// When they begin.
    #[must_use]
    pub fn from(&self) -> Time {
        self.from
    }

    /// When they end.
    #[must_use]
    pub fn to(&self) -> Time {
        self.to
    }

    /// When those end that it is in at `now` on the clocks of `zone`; `None` when it is in none.
    #[must_use]
    pub fn end(&self, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
        let today = zone.shown(now).date();
        // Those of the day before may go on, or have moved over midnight with the clocks.
        [today.yesterday().ok()?, today].into_iter().find_map(|date| {
            let last = if self.from < self.to { date } else { date.tomorrow().ok()? };
            let begin = zone.moment(date.to_datetime(self.from));
            let end = zone.moment(last.to_datetime(self.to));
            (begin <= now && now < end).then_some(end)
        })
    }
}

impl TryFrom<Hours> for QuietHours {
    type Error = NeverQuiet;

    fn try_from(hours: Hours) -> Result<Self, NeverQuiet> {
        Self::new(hours.from, hours.to)
    }
}

impl From<QuietHours> for Hours {
    fn from(hours: QuietHours) -> Self {
        Self { from: hours.from, to: hours.to }
    }
}
