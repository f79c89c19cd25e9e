//! What a broadcast is about (`Notification`) and whom one delivery of it goes to (`Recipient`).
//! Holds neither content, which the engine or the broadcast provides, nor the audience.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::calendar::{Days, Recurrence, Zone};
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ConversationReference, User};
use crate::protocol::ids::TenantId;
use crate::protocol::team::TeamChannel;

/// The subject of a broadcast, identified by a name that the engine knows.
///
/// # Examples
///
/// ```
/// use herald::agent::Notification;
/// use herald::agent::notification::LocalTime;
/// use jiff::civil::time;
///
/// let digest = Notification {
///     local_time: Some(LocalTime { at: time(9, 0, 0, 0), default_zone: "UTC".to_owned().try_into()? }),
///     ..Notification::new("morning-digest", "2026-11-23T00:00:00Z".parse()?)
/// };
///
/// assert_eq!(digest.due(Some("Europe/Zurich")), "2026-11-23T08:00:00Z".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The name that the engine knows it by, e.g. `morning-digest`.
    pub name: String,
    /// The scheduled time, which is not the time at which it is sent.
    pub scheduled_time: Timestamp,
    /// Whether an ambiguous send is not repeated: a recipient may miss it, but never receives it twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most_once: bool,
    /// The topic that recipients may mute; defaults to the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Whether it is also sent during quiet hours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// The local time of each recipient at which it is sent; as soon as possible unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_time: Option<LocalTime>,
    /// Whether each person gets a conversation of its own for it, where the channel has such: a thread of Copilot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dedicated_thread: bool,
}

/// A local time in the zone of each recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// The local time.
    pub at: Time,
    /// The zone of recipients whose zone is unknown.
    pub default_zone: Zone,
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
            dedicated_thread: false,
        }
    }

    /// Returns when it is due for a recipient in `zone`.
    ///
    /// That is the first occurrence of the local time at or after [`Self::scheduled_time`], resolved as in [`Zone`]. Every
    /// zone has every local time within 25 hours, so no recipient is due later than that.
    #[must_use]
    pub fn due(&self, zone: Option<&str>) -> Timestamp {
        let Some(LocalTime { at, default_zone }) = &self.local_time else { return self.scheduled_time };
        let zone = zone.and_then(|zone| Zone::named(zone).ok()).unwrap_or_else(|| default_zone.clone());
        let daily = Recurrence { days: Days::Daily, at: *at, zone };
        let before = self.scheduled_time.checked_sub(SignedDuration::from_nanos(1));
        let due = before.ok().and_then(|before| daily.next_after(before));
        due.unwrap_or(self.scheduled_time)
    }

    /// Returns the topic, which defaults to the name; `None` where the name is not a valid topic.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        self.topic.clone().or_else(|| Topic::new(&self.name).ok())
    }
}

/// One recipient of a notification.
///
/// # Examples
///
/// ```
/// use herald::agent::Recipient;
/// use herald::protocol::conversation::User;
/// use herald::protocol::ids::{EntraId, TenantId};
///
/// let tenant = TenantId::new("72f988bf-86f1-41af-91ab-2d7cd011db47")?;
/// let user = User::of_teams(tenant.clone(), EntraId::new("87d349ed-44d7-43e1-9a83-5f2406dee5bd")?);
///
/// let recipient = Recipient::User(user);
///
/// assert_eq!(recipient.tenant(), Some(&tenant));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "recipients with a reference are the rule")]
pub enum Recipient {
    /// An existing conversation.
    Conversation {
        /// The conversation.
        reference: ConversationReference,
    },
    /// A user without a known conversation; one is created first.
    User(User),
    /// A channel of a team; the message starts a thread.
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

    /// Returns the number of channel requests that one message takes, including the creation of a conversation.
    #[must_use]
    pub fn requests(&self) -> usize {
        match self {
            Self::Conversation { .. } | Self::Channel(_) => 1,
            Self::User(_) => 2,
        }
    }

    /// Returns the user's language, where it is known.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.locale.as_deref(),
            Self::User(_) | Self::Channel(_) => None,
        }
    }

    /// Returns the user's time zone, where it is known.
    #[must_use]
    pub fn timezone(&self) -> Option<&str> {
        match self {
            Self::Conversation { reference } => reference.timezone.as_deref(),
            Self::User(_) | Self::Channel(_) => None,
        }
    }

    /// Returns the user, where the recipient is one with a known Entra id.
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
    fn due_is_the_first_local_time_in_each_zone() {
        let local_time = LocalTime { at: Time::constant(9, 0, 0, 0), default_zone: Zone::utc() };
        let notification = |at: &str| Notification {
            local_time: Some(local_time.clone()),
            ..Notification::new("digest", at.parse().unwrap())
        };
        let monday = notification("2026-11-23T00:00:00Z");
        let due = |zone| monday.due(zone).to_string();

        // Expected values computed with Python's `zoneinfo`.
        assert_eq!(due(Some("Pacific/Kiritimati")), "2026-11-23T19:00:00Z");
        assert_eq!(due(Some("Asia/Tokyo")), "2026-11-23T00:00:00Z");
        assert_eq!(due(Some("Asia/Kathmandu")), "2026-11-23T03:15:00Z");
        assert_eq!(due(Some("Europe/Zurich")), "2026-11-23T08:00:00Z");
        assert_eq!(due(Some("America/Los_Angeles")), "2026-11-23T17:00:00Z");
        assert_eq!(due(Some("Pacific/Pago_Pago")), "2026-11-23T20:00:00Z");
        assert_eq!((due(None), due(Some("Mars/Base"))), (due(Some("UTC")), due(Some("UTC"))));
        let spring = Notification {
            local_time: Some(LocalTime { at: Time::constant(2, 30, 0, 0), default_zone: Zone::utc() }),
            ..notification("2027-03-28T00:00:00Z")
        };
        assert_eq!(spring.due(Some("Europe/Zurich")).to_string(), "2027-03-28T01:00:00Z");
        assert_eq!(
            Notification::new("now", monday.scheduled_time).due(Some("Asia/Tokyo")),
            monday.scheduled_time
        );
    }
}
