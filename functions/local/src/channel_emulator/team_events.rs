//! Events of teams and their channels (docs/protocol.md §5.5, §7.6): conversation updates with `channelData.eventType`.

use serde_json::{Value, json};

use super::channel::Channel;
use super::person::{Person, TeamChannel};

impl Channel {
    /// Returns an event of `channel` or of its team, e.g. `channelDeleted` or `teamArchived`. The channel or the team is
    /// closed or opened by it: sends to a closed one are rejected.
    pub fn team_event(&self, person: &Person, channel: &TeamChannel, event: &str) -> Value {
        let concerned = if event.starts_with("team") { &channel.team_id } else { &channel.id };
        let closes = match event {
            "channelDeleted" | "teamArchived" | "teamDeleted" | "teamHardDeleted" => Some(true),
            "channelRestored" | "teamRestored" | "teamUnarchived" => Some(false),
            _ => None,
        };
        if let Some(closes) = closes {
            self.state.directory().set_closed(concerned, closes);
        }
        let mut activity = self.activity(person, &channel.id, "conversationUpdate");
        // Sent in the General channel, whose id is that of the team.
        activity["conversation"]["id"] = json!(channel.team_id);
        let mut data = json!({
            "eventType": event,
            "team": { "id": channel.team_id, "name": channel.team_name },
            "tenant": { "id": channel.tenant },
        });
        if event.starts_with("channel") {
            data["channel"] = json!({ "id": channel.id, "name": channel.name });
        }
        activity["channelData"] = data;
        activity
    }
}
