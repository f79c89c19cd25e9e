//! Notifications: what a broadcast is about, and one of its recipients (design: speaking first).
//! The content comes from the engine or from the broadcast; the recipients come from the audience.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::calendar::{Days, Recurrence, Zone};
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ConversationReference, User};
use crate::protocol::ids::TenantId;
use crate::protocol::team::TeamChannel;

/// What a broadcast is about, by a name that the engine knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The engine's name for it, e.g. `morning-digest`.
    pub name: String,
    /// The time it is for, which is not the time it is sent.
    pub scheduled_time: Timestamp,
    /// Whether a recipient may rather miss it than receive it twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most_once: bool,
    /// The topic that recipients may mute; unless set, its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Whether it is sent in quiet hours too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// The time of day, in each recipient's zone, at which it is sent; unless set, as soon as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_time: Option<LocalTime>,
}

/// A time of day in the zone of each recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// The time.
    pub at: Time,
    /// The zone for recipients whose zone is not known.
    pub otherwise: Zone,
}

impl Notification {
    /// Returns the notification `name` for `scheduled_time`, sent at most twice and not in quiet hours.
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

    /// Returns when a recipient in `zone` is due: the first time at or after [`Self::scheduled_time`] that has the local
    /// time there. A local time in a gap is due when the gap ends; of two in a fold, the first is due.
    ///
    /// Every zone has every local time within 25 hours, so no recipient is due later than that.
    #[must_use]
    pub fn due(&self, zone: Option<&str>) -> Timestamp {
        let Some(LocalTime { at, otherwise }) = &self.local_time else { return self.scheduled_time };
        let zone = zone.and_then(|zone| Zone::named(zone).ok()).unwrap_or_else(|| otherwise.clone());
        let daily = Recurrence { days: Days::Daily, at: *at, zone };
        let before = self.scheduled_time.checked_sub(SignedDuration::from_nanos(1));
        let due = before.ok().and_then(|before| daily.next_after(before));
        due.unwrap_or(self.scheduled_time)
    }

    /// Returns its topic, or else its name; `None` where neither is a valid topic.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        self.topic.clone().or_else(|| Topic::new(&self.name).ok())
    }
}

/// One recipient of a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "recipients with a reference are the rule")]
pub enum Recipient {
    /// Through a conversation that exists.
    Conversation {
        /// The conversation.
        reference: ConversationReference,
    },
    /// A person without a known conversation, which is created first.
    User(User),
    /// A channel of a team, where a thread is created with the message.
    Channel(TeamChannel),
}

impl Recipient {
    /// Returns the recipient's tenant, where there is one.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Conversation { reference } => reference.tenant_id.as_ref(),
            Self::User(user) => Some(&user.tenant),
            Self::Channel(channel) => Some(&channel.tenant),
        }
    }

    /// Returns the number of requests to the channel that one message takes; creating a conversation is one more.
    #[must_use]
    pub fn requests(&self) -> usize {
        match self {
            Self::Conversation { .. } | Self::Channel(_) => 1,
            Self::User(_) => 2,
        }
    }

    /// Returns the person's language, where it is known.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.locale.as_deref(),
            Self::User(_) | Self::Channel(_) => None,
        }
    }

    /// Returns the person's time zone, where it is known.
    #[must_use]
    pub fn timezone(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.timezone.as_deref(),
            Self::User(_) | Self::Channel(_) => None,
        }
    }

    /// Returns the person, where the recipient is one and known by Entra id.
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
