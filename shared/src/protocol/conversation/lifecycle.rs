//! Lifecycle of a conversation reference: whether an inbound activity keeps or removes it (docs/protocol.md §7.6).
//! Does not store it; the store rejects updates older than the stored one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash;
use crate::protocol::activity::Activity;

/// Whether the agent is present in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The agent is in the conversation: a user wrote to it, installed it or added it.
    Active,
    /// The agent was removed from the conversation.
    Removed,
}

/// Returns whether the agent is present after `activity`.
#[must_use]
pub fn presence(activity: &Activity) -> Presence {
    let uninstalled = activity.is("installationUpdate")
        && activity.action.as_deref().is_some_and(|action| action.starts_with("remove"));
    let agent = activity.recipient.as_ref().map(|recipient| &recipient.id);
    let left = activity.is("conversationUpdate")
        && activity.members_removed.iter().any(|member| Some(&member.id) == agent);
    if uninstalled || left { Presence::Removed } else { Presence::Active }
}

/// What an activity shows of the agent's membership in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The activity is about who is in the conversation.
    Membership,
    /// The channel sends such activities only to members.
    Activity,
    /// Nothing: message extensions and cards are invoked from conversations that the agent is no member of
    /// (docs/protocol.md §8.3).
    Invoke,
}

/// Returns what `activity` shows of the agent's membership in its conversation.
#[must_use]
pub fn evidence(activity: &Activity) -> Evidence {
    match activity.kind.as_str() {
        "invoke" => Evidence::Invoke,
        "conversationUpdate" | "installationUpdate" => Evidence::Membership,
        _ => Evidence::Activity,
    }
}

/// The sort key of an update of a conversation; the greatest one wins, in any order of arrival.
///
/// The later update is greater; of two at one time a removal, and else the one with the greater hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventOrder(String);

impl EventOrder {
    /// Returns the sort key of the update to `presence` at `time` with `content`.
    #[must_use]
    pub fn of(time: Timestamp, presence: Presence, content: &str) -> Self {
        let rank = match presence {
            Presence::Active => 0,
            Presence::Removed => 1,
        };
        // Zero-padded, so that text order is numeric order.
        let millisecond = time.as_millisecond().max(0);
        Self(format!("{millisecond:020}-{rank}-{}", hash::short(content)))
    }

    /// Returns the stored key `text`.
    #[must_use]
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the key as text, with the same order.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the time of the update; the earliest one for a key that cannot be read.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        let millisecond = self.0.split('-').next().and_then(|digits| digits.parse().ok());
        millisecond.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(Timestamp::MIN)
    }

    /// Whether this update is of a later time than `other`, by at least `duration`.
    #[must_use]
    pub fn is_later_by(&self, other: &Self, duration: SignedDuration) -> bool {
        self.time() > other.time() && self.time().duration_since(other.time()) >= duration
    }
}

/// Returns the timestamp of `activity`, limited to five minutes after `now`; `now` where it has no valid one.
#[must_use]
pub fn event_time(activity: &Activity, now: Timestamp) -> Timestamp {
    let latest = now.checked_add(SignedDuration::from_mins(5)).unwrap_or(now);
    let timestamp = activity.timestamp.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok());
    timestamp.map_or(now, |at: Timestamp| at.min(latest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn activity(json: serde_json::Value) -> Activity {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_removal_of_the_agent_removes_the_reference() {
        let recipient = json!({ "id": "28:me" });
        let leaving = |id: &str| {
            activity(
                json!({"type": "conversationUpdate", "recipient": recipient, "membersRemoved": [{ "id": id }]}),
            )
        };

        assert_eq!(presence(&leaving("28:me")), Presence::Removed);
        assert_eq!(presence(&leaving("29:you")), Presence::Active);
        assert_eq!(
            presence(&activity(json!({"type": "installationUpdate", "action": "remove-upgrade"}))),
            Presence::Removed
        );
        assert_eq!(
            presence(&activity(json!({"type": "installationUpdate", "action": "add"}))),
            Presence::Active
        );
    }

    #[test]
    fn later_update_wins_and_removal_wins_a_tie() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let order = |second, presence| EventOrder::of(at(second), presence, "the same");

        assert!(order(9, Presence::Removed) < order(10, Presence::Active));
        assert!(order(10, Presence::Active) < order(10, Presence::Removed));
        assert!(order(999, Presence::Removed) < order(1_800_000_000, Presence::Active));
        assert_ne!(
            EventOrder::of(at(1), Presence::Active, "one"),
            EventOrder::of(at(1), Presence::Active, "other")
        );
    }

    #[test]
    fn timestamp_far_in_the_future_is_limited() {
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let ahead = activity(json!({"type": "message", "timestamp": "2036-11-22T09:00:00Z"}));
        let garbage = activity(json!({"type": "message", "timestamp": "yesterday"}));

        assert_eq!(event_time(&ahead, now), "2026-11-22T09:05:00Z".parse().unwrap());
        assert_eq!(event_time(&garbage, now), now);
    }
}
