//! What activities tell of their sender: language, time zone and display name, each kept until a later activity replaces it.
//! An activity that leaves a member out changes nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ConversationReference;
use crate::protocol::activity::{Activity, ChannelAccount};

/// What is known of a person. Merging is independent of the order in which activities arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Language, e.g. `en-GB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Dated>,
    /// Time zone, an IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Dated>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Dated>,
}

/// A value with the time of the activity that had it. Later values are greater; so is the greater of two at one time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dated {
    /// Milliseconds since 1970.
    at: i64,
    /// The value.
    value: String,
}

impl Dated {
    fn new(value: &str, at: Timestamp) -> Self {
        Self { at: at.as_millisecond(), value: value.to_owned() }
    }
}

impl Details {
    /// Returns what an activity at `at` with this `reference` tells of its sender.
    #[must_use]
    pub fn of(reference: &ConversationReference, at: Timestamp) -> Self {
        let dated = |value: Option<&String>| value.map(|value| Dated::new(value, at));
        let user = reference.user.as_ref();
        Self {
            locale: dated(reference.locale.as_ref()),
            timezone: dated(reference.timezone.as_ref()),
            name: dated(user.and_then(|user| user.name.as_ref())),
        }
    }

    /// Returns the later value of each member.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            locale: self.locale.max(other.locale),
            timezone: self.timezone.max(other.timezone),
            name: self.name.max(other.name),
        }
    }

    /// Whether both have the same values, whatever their times.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        fn same(one: Option<&Dated>, other: Option<&Dated>) -> bool {
            one.map(|dated| &dated.value) == other.map(|dated| &dated.value)
        }
        same(self.locale.as_ref(), other.locale.as_ref())
            && same(self.timezone.as_ref(), other.timezone.as_ref())
            && same(self.name.as_ref(), other.name.as_ref())
    }

    /// Replaces language, zone and name of the user of `reference` by the known ones.
    pub fn write_to(&self, reference: &mut ConversationReference) {
        let value = |dated: &Option<Dated>| dated.as_ref().map(|dated| dated.value.clone());
        reference.locale = value(&self.locale).or(reference.locale.take());
        reference.timezone = value(&self.timezone).or(reference.timezone.take());
        if let Some(user) = &mut reference.user {
            user.name = value(&self.name).or(user.name.take());
        }
    }

    /// Adds what `activity` and its `reference` leave out.
    pub fn complete(&self, activity: &mut Activity, reference: &mut ConversationReference) {
        let value = |dated: &Option<Dated>| dated.as_ref().map(|dated| dated.value.clone());
        let fill = |member: &mut Option<String>, known: &Option<Dated>| {
            if member.as_ref().is_none_or(String::is_empty) {
                *member = value(known);
            }
        };
        fill(&mut reference.locale, &self.locale);
        fill(&mut reference.timezone, &self.timezone);
        fill(&mut activity.locale, &self.locale);
        fill(&mut activity.local_timezone, &self.timezone);
        let accounts: [&mut Option<ChannelAccount>; 2] = [&mut reference.user, &mut activity.from];
        for account in accounts.into_iter().flatten() {
            fill(&mut account.name, &self.name);
        }
    }
}

// Names are personal data and must not be logged.
impl std::fmt::Debug for Dated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dated").field("at", &self.at).finish_non_exhaustive()
    }
}
