//! What an inbound activity does to its conversation reference (protocol §7.6).
//! It only decides; the store writes, and refuses what is older than what it holds.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::hash;
use crate::protocol::activity::Activity;

/// What becomes of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is good: someone wrote, installed or added the agent.
    Active,
    /// It is over: the agent was removed.
    Removed,
}

/// What `activity` does to the reference it carries.
#[must_use]
pub fn presence(activity: &Activity) -> Presence {
    let uninstalled = activity.is("installationUpdate")
        && activity.action.as_deref().is_some_and(|action| action.starts_with("remove"));
    let agent = activity.recipient.as_ref().map(|recipient| &recipient.id);
    let left = activity.is("conversationUpdate")
        && activity.members_removed.iter().any(|member| Some(&member.id) == agent);
    if uninstalled || left { Presence::Removed } else { Presence::Active }
}

/// Where a word about a conversation stands among the others: the greater one counts, however they arrive.
///
/// That is the later one, of two of the same moment the removal, and of two alike always the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventOrder(String);

impl EventOrder {
    /// The place of what was said of `content` at `moment`.
    #[must_use]
    pub fn of(moment: Timestamp, change: Presence, content: &str) -> Self {
        let rank = match change {
            Presence::Active => 0,
            Presence::Removed => 1,
        };
        // As text it is compared digit by digit: every moment has as many digits.
        let millisecond = moment.as_millisecond().max(0);
        Self(format!("{millisecond:020}-{rank}-{}", hash::short(content)))
    }

    /// The place as text, which compares like it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// When the channel says `activity` happened, at most five minutes ahead of `now`; `now` when it does not say.
#[must_use]
pub fn event_time(activity: &Activity, now: Timestamp) -> Timestamp {
    let latest = now.checked_add(SignedDuration::from_mins(5)).unwrap_or(now);
    let said = activity.timestamp.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok());
    said.map_or(now, |at: Timestamp| at.min(latest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn activity(json: serde_json::Value) -> Activity {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_the_agents_own_leaving_removes() {
        let recipient = json!({ "id": "28:me" });
        let leaving = |who: &str| {
            activity(
                json!({"type": "conversationUpdate", "recipient": recipient, "membersRemoved": [{ "id": who }]}),
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
    fn the_later_word_counts_and_of_two_at_once_the_removal() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let order = |second, change| EventOrder::of(at(second), change, "the same");

        assert!(order(9, Presence::Removed) < order(10, Presence::Active));
        assert!(order(10, Presence::Active) < order(10, Presence::Removed));
        assert!(order(999, Presence::Removed) < order(1_800_000_000, Presence::Active));
        assert_ne!(
            EventOrder::of(at(1), Presence::Active, "one"),
            EventOrder::of(at(1), Presence::Active, "other")
        );
    }

    #[test]
    fn a_time_far_ahead_is_not_believed() {
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let ahead = activity(json!({"type": "message", "timestamp": "2036-11-22T09:00:00Z"}));
        let garbage = activity(json!({"type": "message", "timestamp": "yesterday"}));

        assert_eq!(event_time(&ahead, now), "2026-11-22T09:05:00Z".parse().unwrap());
        assert_eq!(event_time(&garbage, now), now);
    }
}
