//! The members `conversation` and `channelData` of an activity, by kind of conversation (docs/protocol.md §5.2, §5.5).

use serde_json::{Value, json};

use super::persistent_state::{Chat, Directory, Place};
use super::person::{Person, TeamChannel};

/// Returns `conversation` and `channelData` of an activity in `conversation`; an unknown one is personal.
pub(super) fn fields(directory: &Directory, person: &Person, conversation: &str) -> (Value, Value) {
    let known = directory.conversations.get(conversation).map(|known| &known.place);
    let tenant = &person.tenant;
    let account = |conversation_type: &str| json!({ "conversationType": conversation_type, "tenantId": tenant, "id": conversation });
    let group = |conversation_type: &str| {
        let mut account = account(conversation_type);
        account["isGroup"] = json!(true);
        account
    };
    match known {
        Some(Place::Personal(_)) => (account("personal"), json!({ "tenant": { "id": tenant } })),
        Some(Place::Chat(chat)) => (group("groupChat"), chat_data(chat, tenant)),
        Some(Place::Thread(channel)) => match directory.channel(channel) {
            Some(channel) => (group("channel"), team_data(channel, tenant)),
            None => (group("channel"), json!({ "tenant": { "id": tenant } })),
        },
        None => match directory.channel(conversation) {
            Some(channel) => (group("channel"), team_data(channel, tenant)),
            None => (account("personal"), json!({ "tenant": { "id": tenant } })),
        },
    }
}

fn chat_data(chat: &Chat, tenant: &str) -> Value {
    match &chat.meeting {
        Some(meeting) => json!({ "tenant": { "id": tenant }, "meeting": { "id": meeting } }),
        None => json!({ "tenant": { "id": tenant } }),
    }
}

fn team_data(channel: &TeamChannel, tenant: &str) -> Value {
    json!({
        "teamsChannelId": channel.id,
        "teamsTeamId": channel.team_id,
        "channel": { "id": channel.id, "name": channel.name },
        "team": { "id": channel.team_id, "name": channel.team_name },
        "tenant": { "id": tenant },
    })
}
