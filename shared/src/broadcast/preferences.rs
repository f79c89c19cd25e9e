//! Notification preferences: mutes and quiet hours, and how they affect an unsolicited message.
//! Answers, follow-ups and reminders are requested, so preferences do not apply to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::calendar::{QuietHours, Zone};
use crate::agent::notification::Notification;
use crate::agent::topic::Topic;

/// Maximum number of topics with a setting; the oldest setting is removed first.
const MAX_TOPICS: usize = 500;

/// Notification preferences of a person or a group chat.
///
/// They are last-writer-wins registers, so the order of updates does not matter.
///
/// # Examples
///
/// ```
/// use herald::agent::notification::Notification;
/// use herald::agent::topic::Topic;
/// use herald::broadcast::preferences::{Notify, Preferences, Setting};
/// use jiff::Timestamp;
///
/// let now: Timestamp = "2026-11-23T09:00:00Z".parse()?;
/// let news = Notification { topic: Some(Topic::new("news")?), ..Notification::new("morning", now) };
/// let preferences = Preferences::default().set_muted(Some(&Topic::new("news")?), Setting::Muted, now);
///
/// assert_eq!(preferences.notify(&news, None, now), Notify::Skip("muted the topic"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    everything: Option<Dated<Setting>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    topics: BTreeMap<Topic, Dated<Setting>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet: Option<Dated<Option<Quiet>>>,
}

/// Last-writer-wins register: a value and the time it was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Dated<T> {
    value: T,
    at: Timestamp,
}

/// Mute setting of a topic or of all topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// Notifications are sent.
    Unmuted,
    /// Notifications are skipped.
    Muted,
}

/// Quiet hours, and the zone for a person whose zone is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Quiet {
    hours: QuietHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<Zone>,
}

/// Decision about an unsolicited message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// Send it.
    Send,
    /// Do not send it, for this reason.
    Skip(&'static str),
    /// Send it at this time.
    Defer(Timestamp),
    /// Do not send it, because the preferences could not be read.
    Unknown,
}

impl Preferences {
    /// Returns the preferences with `value` set at `at` for `topic`, or for all topics.
    #[must_use]
    pub fn set_muted(mut self, topic: Option<&Topic>, value: Setting, at: Timestamp) -> Self {
        let update = Dated { value, at };
        match topic {
            None => self.everything = latest(self.everything, update),
            Some(topic) => {
                if let Some(update) = latest(self.topics.remove(topic), update) {
                    self.topics.insert(topic.clone(), update);
                }
            }
        }
        // A setting for all topics overrides older settings of single topics.
        if let Some(everything) = &self.everything {
            self.topics.retain(|_, update| update.at > everything.at);
        }
        if self.topics.len() > MAX_TOPICS
            && let Some(oldest) =
                self.topics.iter().min_by_key(|(_, update)| update.at).map(|(topic, _)| topic.clone())
        {
            self.topics.remove(&oldest);
        }
        self
    }

    /// Returns the preferences with quiet hours, or none, set at `at`.
    ///
    /// They apply in the current zone of the person; while that is unknown, in `zone`.
    #[must_use]
    pub fn set_quiet_hours(mut self, hours: Option<QuietHours>, zone: Option<Zone>, at: Timestamp) -> Self {
        let update = Dated { value: hours.map(|hours| Quiet { hours, zone }), at };
        self.quiet = latest(self.quiet, update);
        self
    }

    /// Whether `topic` is muted by the later of its own setting and the setting for all topics.
    #[must_use]
    pub fn is_muted(&self, topic: Option<&Topic>) -> bool {
        let of_topic = topic.and_then(|topic| self.topics.get(topic));
        let value = match (of_topic, &self.everything) {
            (Some(topic), Some(everything)) if topic.at > everything.at => topic.value,
            (_, Some(everything)) => everything.value,
            (Some(topic), None) => topic.value,
            (None, None) => Setting::Unmuted,
        };
        value == Setting::Muted
    }

    /// Returns the quiet hours, if any.
    #[must_use]
    pub fn quiet_hours(&self) -> Option<QuietHours> {
        self.quiet.as_ref()?.value.as_ref().map(|quiet| quiet.hours)
    }

    /// Returns the decision about `notification` at `now` for a recipient in `zone`, if that is known.
    ///
    /// An urgent notification ignores quiet hours but not mutes.
    #[must_use]
    pub fn notify(&self, notification: &Notification, zone: Option<&str>, now: Timestamp) -> Notify {
        if self.is_muted(notification.topic().as_ref()) {
            return match self.is_muted(None) {
                true => Notify::Skip("muted everything"),
                false => Notify::Skip("muted the topic"),
            };
        }
        let due = notification.due(zone);
        if notification.local_time.is_some() && now < due {
            return Notify::Defer(due);
        }
        let quiet =
            self.quiet.as_ref().and_then(|update| update.value.as_ref()).filter(|_| !notification.urgent);
        let Some(quiet) = quiet else { return Notify::Send };
        let zone = zone.and_then(|zone| Zone::named(zone).ok()).or(quiet.zone.clone());
        match quiet.hours.end(&zone.unwrap_or_else(Zone::utc), now) {
            Some(end) => Notify::Defer(end),
            None => Notify::Send,
        }
    }
}

/// Returns the later of two updates; at equal times the new one.
fn latest<T>(stored: Option<Dated<T>>, update: Dated<T>) -> Option<Dated<T>> {
    match stored {
        Some(stored) if stored.at > update.at => Some(stored),
        Some(_) | None => Some(update),
    }
}

#[cfg(test)]
mod tests;
