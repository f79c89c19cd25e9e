//! Lifecycle of teams and channels: what an activity says of one as a whole (docs/protocol.md §7.6).
//! Does not store it; [`crate::aws::table::TeamStore`] does.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TeamChannel;
use crate::protocol::activity::Activity;
use crate::protocol::ids::ConversationId;

/// Why nothing can be sent to a team or a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// It is archived, which makes it read-only.
    Archived,
    /// It is deleted.
    Deleted,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        })
    }
}

/// A change of a team, or of one of its channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamChange {
    /// The team, by the id of its General channel, or the channel.
    pub place: TeamChannel,
    /// Why it is closed now; `None` when it is open again.
    pub closed: Option<Closed>,
}

/// Returns the change that `activity` reports, if any.
#[must_use]
pub fn team_change(activity: &Activity) -> Option<TeamChange> {
    let event = activity.is("conversationUpdate").then(|| activity.team_event())??;
    let (id, closed) = match event.to_ascii_lowercase().as_str() {
        "teamarchived" => (activity.team_id(), Some(Closed::Archived)),
        "teamdeleted" | "teamharddeleted" => (activity.team_id(), Some(Closed::Deleted)),
        "teamunarchived" | "teamrestored" => (activity.team_id(), None),
        "channeldeleted" => (activity.team_channel_id(), Some(Closed::Deleted)),
        "channelrestored" => (activity.team_channel_id(), None),
        _ => return None,
    };
    Some(TeamChange { place: TeamChannel { tenant: activity.tenant()?.clone(), id: id? }, closed })
}

/// Returns the channel of a conversation in a team: its id without that of the thread.
#[must_use]
pub fn channel_of(conversation: &ConversationId) -> Option<ConversationId> {
    let channel = conversation.as_str().split(';').next().unwrap_or_default();
    ConversationId::new(channel).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(event: &str, data: &Value) -> Option<(String, Option<Closed>)> {
        let mut activity = json!({
            "type": "conversationUpdate", "channelId": "msteams", "conversation": { "id": "19:general" },
            "channelData": { "tenant": { "id": "t" }, "eventType": event },
        });
        activity["channelData"].as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        let change = team_change(&serde_json::from_value(activity).unwrap())?;
        Some((change.place.id.as_str().to_owned(), change.closed))
    }

    #[test]
    fn every_event_of_a_team_and_of_a_channel_is_read() {
        let both = json!({ "team": { "id": "19:team" }, "channel": { "id": "19:channel" } });
        let (team, channel) = ("19:team".to_owned(), "19:channel".to_owned());
        for (event, expected) in [
            ("teamArchived", Some((&team, Some(Closed::Archived)))),
            ("teamUnarchived", Some((&team, None))),
            ("teamDeleted", Some((&team, Some(Closed::Deleted)))),
            ("teamHardDeleted", Some((&team, Some(Closed::Deleted)))),
            ("teamRestored", Some((&team, None))),
            ("channelDeleted", Some((&channel, Some(Closed::Deleted)))),
            ("channelRestored", Some((&channel, None))),
            ("TeamArchived", Some((&team, Some(Closed::Archived)))),
            ("channelCreated", None),
            ("teamRenamed", None),
            ("", None),
        ] {
            let expected = expected.map(|(id, closed)| (id.clone(), closed));
            assert_eq!(change(event, &both), expected, "{event}");
        }
    }

    #[test]
    fn ids_are_read_from_either_member_and_odd_shapes_are_no_change() {
        let archived = |data| change("teamArchived", &data).map(|(id, _)| id);

        assert_eq!(archived(json!({ "teamsTeamId": "19:team" })).as_deref(), Some("19:team"));
        for data in [
            json!({}),
            json!({ "team": {} }),
            json!({ "team": null }),
            json!({ "team": [] }),
            json!({ "team": { "id": 7 } }),
            json!({ "team": { "id": "" } }),
            json!({ "eventType": { "name": "teamArchived" } }),
        ] {
            assert_eq!(archived(data.clone()), None, "{data}");
        }
    }

    #[test]
    fn event_of_another_type_or_channel_is_no_change() {
        let of = |kind: &str, channel: &str| {
            let data =
                json!({ "tenant": { "id": "t" }, "eventType": "teamArchived", "team": { "id": "19:team" } });
            let activity = json!({ "type": kind, "channelId": channel, "channelData": data });
            team_change(&serde_json::from_value(activity).unwrap()).is_some()
        };

        assert!(of("conversationUpdate", "msteams"));
        assert!(!of("message", "msteams"));
        assert!(!of("conversationUpdate", "webchat"));
    }
}
