//! Notifications: what a schedule or the system fires, and one who is to hear of it (design: speaking first).
//! What is said is the engine's or the broadcast's content; who that is, the audience's.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::calendar::{Days, Recurrence, Zone};
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ConversationReference, User};
use crate::protocol::ids::TenantId;
use crate::protocol::team::TeamChannel;

/// Something people are told of: its name is the engine's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The engine's name for it, e.g. `morning-digest`.
    pub name: String,
    /// The moment it is for, which is not the moment it is sent.
    pub scheduled_time: Timestamp,
    /// Whether somebody may rather miss it than be told twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most_once: bool,
    /// What it is about, for those who mute that; its name where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Whether it is told in quiet hours too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// At what time on each one's own clocks it is told; as soon as may be where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_time: Option<LocalTime>,
}

/// A time of day on the clocks of each who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// The time.
    pub at: Time,
    /// On whose clocks for one whose zone is not known.
    pub otherwise: Zone,
}

impl Notification {
    /// The notification `name` of the moment `scheduled_time`, told at most twice and not in quiet hours.
    #[must_use]
    pub fn new(name: impl Into<String>, scheduled_time: Timestamp) -> Self {
        Self {
            name: name.into(),
            scheduled_time,
            at_most_once: false,
            topic: None,
            urgent: false,
            local_time: None,
        }
    }

    /// When somebody whose clocks are those of `zone` is told: when they first show the local time from the moment on that
    /// it is for. A time that they skip is the moment at which they do, and of two the first.
    ///
    /// Every zone shows every time within 25 hours, so nobody is told later than that.
    #[must_use]
    pub fn due(&self, zone: Option<&str>) -> Timestamp {
        let Some(LocalTime { at, otherwise }) = &self.local_time else { return self.scheduled_time };
        let zone = zone.and_then(|zone| Zone::named(zone).ok()).unwrap_or_else(|| otherwise.clone());
        let daily = Recurrence { days: Days::Daily, at: *at, zone };
        let before = self.scheduled_time.checked_sub(SignedDuration::from_nanos(1));
        let due = before.ok().and_then(|before| daily.next_after(before));
        due.unwrap_or(self.scheduled_time)
    }

    /// What it is about; `None` where neither that is said nor its name is a topic.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        self.topic.clone().or_else(|| Topic::new(&self.name).ok())
    }
}

/// One who is to hear of a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "recipients with a reference are the rule")]
pub enum Recipient {
    /// Through a conversation that exists.
    Conversation {
        /// The conversation.
        reference: ConversationReference,
    },
    /// A person no conversation is known with: it is created first.
    User(User),
    /// A channel of a team: a thread is created with what is said.
    Channel(TeamChannel),
}

impl Recipient {
    /// The tenant that is spoken to, where there is one.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Conversation { reference } => reference.tenant_id.as_ref(),
            Self::User(user) => Some(&user.tenant),
            Self::Channel(channel) => Some(&channel.tenant),
        }
    }

    /// How many requests to the channel it takes to tell them something: a conversation may have to be created.
    #[must_use]
    pub fn requests(&self) -> usize {
        match self {
            Self::Conversation { .. } | Self::Channel(_) => 1,
            Self::User(_) => 2,
        }
    }

    /// The person's language, where it is known.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.locale.as_deref(),
            Self::User(_) | Self::Channel(_) => None,
        }
    }

    /// The person's time zone, where it is known.
    #[must_use]
    pub fn timezone(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.timezone.as_deref(),
            Self::User(_) | Self::Channel(_) => None,
        }
    }

    /// The person, where it is one and known by Entra id.
    #[must_use]
    pub fn person(&self) -> Option<User> {
        match self {
            Self::Conversation { reference } => reference.person(),
            Self::User(user) => Some(user.clone()),
            Self::Channel(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_when_the_clocks_of_each_first_show_the_time() {
        let local_time = LocalTime { at: Time::constant(9, 0, 0, 0), otherwise: Zone::utc() };
        let notification = |at: &str| Notification {
            local_time: Some(local_time.clone()),
            ..Notification::new("digest", at.parse().unwrap())
        };
        let monday = notification("2026-11-23T00:00:00Z");
        let due = |zone| monday.due(zone).to_string();

        // As Python's `zoneinfo` has them.
        assert_eq!(due(Some("Pacific/Kiritimati")), "2026-11-23T19:00:00Z");
        assert_eq!(due(Some("Asia/Tokyo")), "2026-11-23T00:00:00Z");
        assert_eq!(due(Some("Asia/Kathmandu")), "2026-11-23T03:15:00Z");
        assert_eq!(due(Some("Europe/Zurich")), "2026-11-23T08:00:00Z");
        assert_eq!(due(Some("America/Los_Angeles")), "2026-11-23T17:00:00Z");
        assert_eq!(due(Some("Pacific/Pago_Pago")), "2026-11-23T20:00:00Z");
        assert_eq!((due(None), due(Some("Mars/Base"))), (due(Some("UTC")), due(Some("UTC"))));
        let spring = Notification {
            local_time: Some(LocalTime { at: Time::constant(2, 30, 0, 0), otherwise: Zone::utc() }),
            ..notification("2027-03-28T00:00:00Z")
        };
        assert_eq!(spring.due(Some("Europe/Zurich")).to_string(), "2027-03-28T01:00:00Z");
        assert_eq!(
            Notification::new("now", monday.scheduled_time).due(Some("Asia/Tokyo")),
            monday.scheduled_time
        );
    }
}
