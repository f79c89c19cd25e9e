//! Reminders: messages that a user requests for a later time, once or recurring.
//! Does not parse requests, which the engine does, nor send reminders, which the worker does.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::calendar::Recurrence;
use crate::agent::ids::ReminderId;
use crate::protocol::activity::Activity;
use crate::protocol::ids::AccountId;

/// Maximum number of reminders in one conversation; more are ignored, so an engine checks before.
pub const MAX_REMINDERS: usize = 50;

/// Maximum length of a label, in bytes; a longer one is truncated.
const MAX_LABEL_BYTES: usize = 500;

/// Maximum delay of a delivery after the due time, e.g. after an outage.
const REMINDER_TTL: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Retention of a cancellation: redeliveries of the request happen within a day.
const CANCELLATION_TTL: SignedDuration = SignedDuration::from_hours(48);

/// A message that is sent at a later time.
///
/// # Examples
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
    /// The display name in lists.
    pub label: String,
    /// The message that is sent.
    pub message: Activity,
    /// The time at which it is sent; never before.
    pub due: Timestamp,
    /// The recurrence after that; `None` for a single reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Recurrence>,
}

/// A pending reminder, as the conversation's memory lists it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledReminder {
    /// The id to cancel it by; shared by all its occurrences.
    pub id: ReminderId,
    /// The display name.
    pub label: String,
    /// When it is due next.
    pub due: Timestamp,
    /// The recurrence after that; `None` for a single reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Recurrence>,
    /// The number of deliveries so far.
    #[serde(default)]
    pub number: u32,
    /// The account of the user who requested it; `None` in records before 0.3.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
}

/// The reminders of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reminders {
    /// The pending reminders, the next due first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<ScheduledReminder>,
    /// Recently cancelled reminders, with the time of the cancellation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cancelled: Vec<(ReminderId, Timestamp)>,
}

impl Reminder {
    /// Returns a reminder that sends `message` at `due`.
    #[must_use]
    pub fn new(label: impl Into<String>, message: Activity, due: Timestamp) -> Self {
        Self { label: label.into(), message, due, every: None }
    }

    /// Makes the reminder recur after its first time.
    #[must_use]
    pub fn every(self, recurrence: Recurrence) -> Self {
        Self { every: Some(recurrence), ..self }
    }
}

impl ScheduledReminder {
    /// Returns the pending entry of `reminder`.
    #[must_use]
    pub fn new(id: ReminderId, reminder: &Reminder) -> Self {
        let mut label = reminder.label.clone();
        label.truncate(label.floor_char_boundary(MAX_LABEL_BYTES));
        Self { id, label, due: reminder.due, every: reminder.every.clone(), number: 0, owner: None }
    }

    /// Sets the account of the user who requested it.
    #[must_use]
    pub fn owned_by(self, owner: Option<AccountId>) -> Self {
        Self { owner, ..self }
    }

    /// Returns the due time after a delivery at `now`; missed occurrences are skipped.
    #[must_use]
    pub fn next_due(every: Option<&Recurrence>, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        every?.next_after(due.max(now))
    }
}

impl Reminders {
    /// Returns the reminders with `reminder`, unless it is a duplicate, was cancelled, or exceeds the maximum.
    #[must_use]
    pub fn with(mut self, reminder: ScheduledReminder) -> Self {
        let is_known = self.find(&reminder.id).is_some();
        let is_cancelled = self.cancelled.iter().any(|(id, _)| *id == reminder.id);
        if !is_known && !is_cancelled && self.listed.len() < MAX_REMINDERS {
            self.listed.push(reminder);
            self.listed.sort_by_key(|listed| listed.due);
        }
        self
    }

    /// Returns the reminders after delivery `number` of `id`, due next at `due`; unchanged if it was cancelled.
    #[must_use]
    pub fn with_next_due(mut self, id: &ReminderId, number: u32, due: Timestamp) -> Self {
        for listed in self.listed.iter_mut().filter(|listed| listed.id == *id && listed.number < number) {
            (listed.number, listed.due) = (number, due);
        }
        self.listed.sort_by_key(|listed| listed.due);
        self
    }

    /// Returns the reminders without the delivered reminder `id`.
    #[must_use]
    pub fn without(mut self, id: &ReminderId) -> Self {
        self.listed.retain(|listed| listed.id != *id);
        self
    }

    /// Returns the reminders without `id`, cancelled at `at`.
    #[must_use]
    pub fn with_cancelled(self, id: &ReminderId, at: Timestamp) -> Self {
        let mut remaining = self.without(id);
        if remaining.cancelled.iter().all(|(cancelled, _)| cancelled != id) {
            remaining.cancelled.push((id.clone(), at));
        }
        let too_many = remaining.cancelled.len().saturating_sub(2 * MAX_REMINDERS);
        remaining.cancelled.drain(..too_many);
        remaining
    }

    /// Returns the pending reminder `id`.
    #[must_use]
    pub fn find(&self, id: &ReminderId) -> Option<&ScheduledReminder> {
        self.listed.iter().find(|listed| listed.id == *id)
    }

    /// Whether there are no pending or recently cancelled reminders.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.cancelled.is_empty()
    }

    /// Returns the reminders without those that have expired at `now`.
    #[must_use]
    pub(crate) fn pruned(mut self, now: Timestamp) -> Self {
        self.listed.retain(|listed| now.duration_since(listed.due) < REMINDER_TTL);
        self.cancelled.retain(|(_, at)| now.duration_since(*at) < CANCELLATION_TTL);
        self
    }

    /// Returns when all of them have expired; `None` when they are empty.
    #[must_use]
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let after = |at: Timestamp, time| at.checked_add(time).unwrap_or(Timestamp::MAX);
        let listed = self.listed.iter().map(|listed| after(listed.due, REMINDER_TTL));
        listed.chain(self.cancelled.iter().map(|(_, at)| after(*at, CANCELLATION_TTL))).max()
    }
}

// Reminder text is personal data and must not be logged.
impl std::fmt::Debug for Reminder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reminder(…, {}, {:?})", self.due, self.every)
    }
}

impl std::fmt::Debug for ScheduledReminder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScheduledReminder({:?}, {}, {:?})", self.id, self.due, self.every)
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

    fn listed(name: &str, due: &str) -> ScheduledReminder {
        let id = hash::sha256(&[name]).parse().unwrap();
        ScheduledReminder::new(id, &Reminder::new(name, Activity::message(name), at(due)))
    }

    fn labels(reminders: &Reminders) -> Vec<&str> {
        reminders.listed.iter().map(|listed| listed.label.as_str()).collect()
    }

    #[test]
    fn reminders_are_listed_once_in_order_of_due_time() {
        let (call, eat) = (listed("call", "2026-11-23T09:00:00Z"), listed("eat", "2026-11-22T12:00:00Z"));

        let reminders = Reminders::default().with(call.clone()).with(eat).with(call);

        assert_eq!(labels(&reminders), ["eat", "call"]);
    }

    #[test]
    fn cancelled_reminder_is_not_restored_by_a_redelivery() {
        let call = listed("call", "2026-11-23T09:00:00Z");
        let now = at("2026-11-22T09:00:00Z");

        let reminders =
            Reminders::default().with(call.clone()).with_cancelled(&call.id, now).with(call.clone());
        let too_early = Reminders::default().with_cancelled(&call.id, now).with(call.clone());

        assert!(labels(&reminders).is_empty() && labels(&too_early).is_empty());
        assert!(reminders.clone().with_next_due(&call.id, 1, now).listed.is_empty());
        assert!(reminders.pruned(at("2026-11-24T09:00:00Z")).is_empty());
    }

    #[test]
    fn reminders_beyond_the_maximum_are_ignored() {
        let all = (0..60).fold(Reminders::default(), |all, number: i32| {
            all.with(listed(&number.to_string(), "2026-11-23T09:00:00Z"))
        });

        assert_eq!(all.listed.len(), MAX_REMINDERS);
    }

    #[test]
    fn missed_occurrences_are_skipped() {
        let days = Recurrence { days: Days::Daily, at: time(9, 0, 0, 0), zone: Zone::utc() };
        let due = at("2026-11-20T09:00:00Z");
        let next = |now: &str| ScheduledReminder::next_due(Some(&days), due, at(now)).unwrap().to_string();

        assert_eq!(next("2026-11-20T09:00:01Z"), "2026-11-21T09:00:00Z");
        assert_eq!(next("2026-11-23T08:59:00Z"), "2026-11-23T09:00:00Z", "three missed days");
        assert_eq!(next("2026-11-19T09:00:00Z"), "2026-11-21T09:00:00Z", "a slow clock");
        assert_eq!(ScheduledReminder::next_due(None, due, due), None);
    }

    #[test]
    fn undelivered_reminder_expires_after_a_month() {
        let reminders = Reminders::default().with(listed("call", "2026-11-22T09:00:00Z"));

        assert_eq!(reminders.clone().pruned(at("2026-12-22T09:00:00Z")), reminders);
        assert!(reminders.clone().pruned(at("2026-12-24T09:00:00Z")).is_empty());
        assert_eq!(reminders.expires_at(), Some(at("2026-12-23T09:00:00Z")));
    }
}
