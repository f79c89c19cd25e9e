//! Courtesy: what a person wants to be spared, and what that means for something they would be told unasked.
//! Answers, follow-ups and reminders are asked for, so none of this holds for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::calendar::{QuietHours, Zone};
use crate::agent::notification::Notification;
use crate::agent::topic::Topic;

/// Most topics that a person's words are kept about; past them the oldest word gives way.
const MAX_TOPICS: usize = 500;

/// What a person, or a group in its chat, wants to be spared. The latest word on anything counts, in whatever order
/// they arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    everything: Option<Dated<Setting>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    topics: BTreeMap<Topic, Dated<Setting>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet: Option<Dated<Option<Quiet>>>,
}

/// What was said of something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Dated<T> {
    value: T,
    at: Timestamp,
}

/// Whether somebody wants to hear of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// They do.
    Unmuted,
    /// They do not.
    Muted,
}

/// Quiet hours and the clocks they were meant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Quiet {
    hours: QuietHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<Zone>,
}

/// What becomes of something that would be said unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// It is said.
    Send,
    /// It is not said, and why not.
    Skip(&'static str),
    /// It is said then, and not before.
    Defer(Timestamp),
    /// It is not said, for what they want to be spared cannot be read.
    Unknown,
}

impl Preferences {
    /// The same after the word `says` about `topic`, or about everything, of the moment `at`.
    #[must_use]
    pub fn set_muted(mut self, topic: Option<&Topic>, value: Setting, at: Timestamp) -> Self {
        let word = Dated { value, at };
        match topic {
            None => self.everything = later(self.everything, word),
            Some(topic) => {
                if let Some(word) = later(self.topics.remove(topic), word) {
                    self.topics.insert(topic.clone(), word);
                }
            }
        }
        // What was said of a topic before the last word about everything says nothing any more.
        if let Some(everything) = &self.everything {
            self.topics.retain(|_, word| word.at > everything.at);
        }
        if self.topics.len() > MAX_TOPICS
            && let Some(oldest) =
                self.topics.iter().min_by_key(|(_, word)| word.at).map(|(topic, _)| topic.clone())
        {
            self.topics.remove(&oldest);
        }
        self
    }

    /// The same with these quiet hours, or none, from the moment `at` on. They are meant on the person's clocks; of a
    /// person whose zone is not known later they are those of `zone`.
    #[must_use]
    pub fn quiet(mut self, hours: Option<QuietHours>, zone: Option<Zone>, at: Timestamp) -> Self {
        let word = Dated { value: hours.map(|hours| Quiet { hours, zone }), at };
        self.quiet = later(self.quiet, word);
        self
    }

    /// Whether `topic` is muted, or everything is: the later word counts.
    #[must_use]
    pub fn mutes(&self, topic: Option<&Topic>) -> bool {
        let of_topic = topic.and_then(|topic| self.topics.get(topic));
        let value = match (of_topic, &self.everything) {
            (Some(topic), Some(everything)) if topic.at > everything.at => topic.value,
            (_, Some(everything)) => everything.value,
            (Some(topic), None) => topic.value,
            (None, None) => Setting::Unmuted,
        };
        value == Setting::Muted
    }

    /// The quiet hours, if there are any.
    #[must_use]
    pub fn quiet_hours(&self) -> Option<QuietHours> {
        self.quiet.as_ref()?.value.as_ref().map(|quiet| quiet.hours)
    }

    /// What becomes of `notification` at `now` for somebody whose clocks are those of `zone`, if that is known.
    ///
    /// What is urgent is said in quiet hours too; who has muted it is not told all the same.
    #[must_use]
    pub fn notify(&self, notification: &Notification, zone: Option<&str>, now: Timestamp) -> Notify {
        if self.mutes(notification.topic().as_ref()) {
            return match self.mutes(None) {
                true => Notify::Skip("muted everything"),
                false => Notify::Skip("muted the topic"),
            };
        }
        let due = notification.due(zone);
        if notification.local_time.is_some() && now < due {
            return Notify::Defer(due);
        }
        let quiet = self.quiet.as_ref().and_then(|word| word.value.as_ref()).filter(|_| !notification.urgent);
        let Some(quiet) = quiet else { return Notify::Send };
        let zone = zone.and_then(|zone| Zone::named(zone).ok()).or(quiet.zone.clone());
        match quiet.hours.end(&zone.unwrap_or_else(Zone::utc), now) {
            Some(end) => Notify::Defer(end),
            None => Notify::Send,
        }
    }
}

/// The later of two words; of two at once the one that arrives.
fn later<T>(there: Option<Dated<T>>, word: Dated<T>) -> Option<Dated<T>> {
    match there {
        Some(there) if there.at > word.at => Some(there),
        Some(_) | None => Some(word),
    }
}

#[cfg(test)]
mod tests;
