//! Reminders: what somebody asked to be told, when, and whether it comes back.
//! What they wrote is read by the engine; that it is said on time, once and not after it was cancelled is the worker's.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::calendar::Recurrence;
use crate::agent::ids::ReminderId;
use crate::protocol::activity::Activity;

/// Most reminders of one conversation; one more is not kept, so an engine says so before.
pub const MAX_REMINDERS: usize = 50;

/// Longest label, in bytes; of a longer one the beginning is kept.
const MAX_LABEL_BYTES: usize = 500;

/// How long after it was due a reminder is still said, should nothing have run in between.
const KEPT: SignedDuration = SignedDuration::from_hours(31 * 24);

/// How long it is known that a reminder was cancelled: what asked for it is repeated within a day.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(48);

/// What somebody is to be reminded of.
///
/// ```
/// use herald::protocol::activity::Activity;
/// use herald::agent::{Effect, Reminder, Response};
///
/// let due = "2026-11-23T09:00:00Z".parse()?;
/// let reminder = Reminder::new("call Robin", Activity::message("Reminder: call Robin"), due);
///
/// let response = Response::reply("I will remind you.").with_effect(Effect::Remind(Box::new(reminder)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Reminder {
    /// What it is called in lists.
    pub label: String,
    /// What is said.
    pub say: Activity,
    /// When; not before.
    pub due: Timestamp,
    /// When it comes back after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Recurrence>,
}

/// A reminder that is to come, as the conversation's memory lists it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What it is cancelled by; the same however often it comes back.
    pub id: ReminderId,
    /// What it is called.
    pub label: String,
    /// When it comes next.
    pub due: Timestamp,
    /// When it comes back after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Recurrence>,
    /// How often it has come.
    #[serde(default)]
    pub number: u32,
}

/// The reminders of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reminders {
    /// Those to come, the next one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Listed>,
    /// Those that were cancelled lately, and when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cancelled: Vec<(ReminderId, Timestamp)>,
}

impl Reminder {
    /// A reminder that says `say` at `due`.
    #[must_use]
    pub fn new(label: impl Into<String>, say: Activity, due: Timestamp) -> Self {
        Self { label: label.into(), say, due, every: None }
    }

    /// The same reminder, which comes back.
    #[must_use]
    pub fn every(self, recurrence: Recurrence) -> Self {
        Self { every: Some(recurrence), ..self }
    }
}

impl Listed {
    /// The entry of `reminder`.
    #[must_use]
    pub fn new(id: ReminderId, reminder: &Reminder) -> Self {
        let mut label = reminder.label.clone();
        label.truncate(label.floor_char_boundary(MAX_LABEL_BYTES));
        Self { id, label, due: reminder.due, every: reminder.every.clone(), number: 0 }
    }

    /// When it comes after one that was said at `now`: what was missed in between is not made up for.
    #[must_use]
    pub fn next(every: Option<&Recurrence>, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        every?.next_after(due.max(now))
    }
}

impl Reminders {
    /// The same with one more; not where it is there already, was cancelled before, or is one too many.
    #[must_use]
    pub fn with(mut self, one: Listed) -> Self {
        let is_known = self.find(&one.id).is_some();
        let is_cancelled = self.cancelled.iter().any(|(id, _)| *id == one.id);
        if !is_known && !is_cancelled && self.listed.len() < MAX_REMINDERS {
            self.listed.push(one);
            self.listed.sort_by_key(|listed| listed.due);
        }
        self
    }

    /// The same after `id` has come for the time `number`, and comes next at `due`; not where it was cancelled.
    #[must_use]
    pub fn moved(mut self, id: &ReminderId, number: u32, due: Timestamp) -> Self {
        for listed in self.listed.iter_mut().filter(|listed| listed.id == *id && listed.number < number) {
            (listed.number, listed.due) = (number, due);
        }
        self.listed.sort_by_key(|listed| listed.due);
        self
    }

    /// The same without `id`, which came.
    #[must_use]
    pub fn without(mut self, id: &ReminderId) -> Self {
        self.listed.retain(|listed| listed.id != *id);
        self
    }

    /// The same without `id`, which is not to come any more.
    #[must_use]
    pub fn cancelling(self, id: &ReminderId, at: Timestamp) -> Self {
        let mut left = self.without(id);
        if left.cancelled.iter().all(|(cancelled, _)| cancelled != id) {
            left.cancelled.push((id.clone(), at));
        }
        let too_many = left.cancelled.len().saturating_sub(2 * MAX_REMINDERS);
        left.cancelled.drain(..too_many);
        left
    }

    /// The one with this id, if it is to come.
    #[must_use]
    pub fn find(&self, id: &ReminderId) -> Option<&Listed> {
        self.listed.iter().find(|listed| listed.id == *id)
    }

    /// Whether there is nothing about any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.cancelled.is_empty()
    }

    /// What of them counts at `now`.
    #[must_use]
    pub(crate) fn pruned(mut self, now: Timestamp) -> Self {
        self.listed.retain(|listed| now.duration_since(listed.due) < KEPT);
        self.cancelled.retain(|(_, at)| now.duration_since(*at) < REMEMBERED);
        self
    }

    /// When nothing of them counts any more; `None` when nothing does now.
    #[must_use]
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let after = |at: Timestamp, time| at.checked_add(time).unwrap_or(Timestamp::MAX);
        let listed = self.listed.iter().map(|listed| after(listed.due, KEPT));
        listed.chain(self.cancelled.iter().map(|(_, at)| after(*at, REMEMBERED))).max()
    }
}

// What people say is nobody else's.
impl std::fmt::Debug for Reminder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reminder(…, {}, {:?})", self.due, self.every)
    }
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listed({:?}, {}, {:?})", self.id, self.due, self.every)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;
    use crate::agent::calendar::{Days, Zone};
    use crate::hash;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn listed(name: &str, due: &str) -> Listed {
        let id = hash::sha256(&[name]).parse().unwrap();
        Listed::new(id, &Reminder::new(name, Activity::message(name), at(due)))
    }

    fn labels(reminders: &Reminders) -> Vec<&str> {
        reminders.listed.iter().map(|listed| listed.label.as_str()).collect()
    }

    #[test]
    fn they_are_listed_once_the_next_first() {
        let (call, eat) = (listed("call", "2026-11-23T09:00:00Z"), listed("eat", "2026-11-22T12:00:00Z"));

        let reminders = Reminders::default().with(call.clone()).with(eat).with(call);

        assert_eq!(labels(&reminders), ["eat", "call"]);
    }

    #[test]
    fn what_was_cancelled_does_not_come_back_by_a_repetition() {
        let call = listed("call", "2026-11-23T09:00:00Z");
        let now = at("2026-11-22T09:00:00Z");

        let reminders = Reminders::default().with(call.clone()).cancelling(&call.id, now).with(call.clone());
        let too_early = Reminders::default().cancelling(&call.id, now).with(call.clone());

        assert!(labels(&reminders).is_empty() && labels(&too_early).is_empty());
        assert!(reminders.clone().moved(&call.id, 1, now).listed.is_empty());
        assert!(reminders.pruned(at("2026-11-24T09:00:00Z")).is_empty());
    }

    #[test]
    fn there_are_fifty_and_no_more() {
        let all = (0..60).fold(Reminders::default(), |all, number: i32| {
            all.with(listed(&number.to_string(), "2026-11-23T09:00:00Z"))
        });

        assert_eq!(all.listed.len(), MAX_REMINDERS);
    }

    #[test]
    fn what_comes_back_moves_on_and_makes_up_for_nothing() {
        let days = Recurrence { days: Days::Daily, at: time(9, 0, 0, 0), zone: Zone::utc() };
        let due = at("2026-11-20T09:00:00Z");
        let next = |now: &str| Listed::next(Some(&days), due, at(now)).unwrap().to_string();

        assert_eq!(next("2026-11-20T09:00:01Z"), "2026-11-21T09:00:00Z");
        assert_eq!(next("2026-11-23T08:59:00Z"), "2026-11-23T09:00:00Z", "three days were missed");
        assert_eq!(next("2026-11-19T09:00:00Z"), "2026-11-21T09:00:00Z", "a clock that is slow");
        assert_eq!(Listed::next(None, due, due), None);
    }

    #[test]
    fn a_late_one_is_kept_for_a_month() {
        let reminders = Reminders::default().with(listed("call", "2026-11-22T09:00:00Z"));

        assert_eq!(reminders.clone().pruned(at("2026-12-22T09:00:00Z")), reminders);
        assert!(reminders.clone().pruned(at("2026-12-24T09:00:00Z")).is_empty());
        assert_eq!(reminders.expires_at(), Some(at("2026-12-23T09:00:00Z")));
    }
}
