//! Whether a turn is meant for the agent (docs/protocol.md §5.7). With consent for a whole channel or chat, Teams delivers
//! every message of it, and the agent has to be silent about most.

use serde_json::Value;

use super::mentions::is_same_account;
use crate::protocol::activity::{Activity, ChannelAccount};
use crate::protocol::text::Written;

/// The content type of an attachment with the message that is replied to.
const MESSAGE_REFERENCE: &str = "messageReference";

/// Whether an activity of a group is meant for the agent because of its type.
pub(super) fn is_by_type(activity: &Activity, agent: &ChannelAccount) -> Option<bool> {
    let has_agent = |members: &[ChannelAccount]| {
        members.iter().any(|member| is_same_account(member.id.as_str(), agent.id.as_str()))
    };
    match activity.kind.as_str() {
        // A card's button; what a person types has no value.
        "message" if activity.value.as_ref().is_some_and(|value| !value.is_null()) => Some(true),
        "message" | "messageUpdate" | "messageDelete" => None,
        "conversationUpdate" => {
            Some(has_agent(&activity.members_added) || has_agent(&activity.members_removed))
        }
        "typing" => Some(false),
        // An invoke, an installation, a reaction to the agent's message, an event.
        _ => Some(true),
    }
}

/// Whether a message quotes one of the agent's: by an entity, a message reference, or in its HTML.
///
/// `replyToId` alone shows nothing: in a thread of a channel it is the root of the thread, by any author.
pub(super) fn is_quoted(activity: &Activity, written: &Written, agent: &ChannelAccount) -> bool {
    let is_agent = |id: &str| is_same_account(id, agent.id.as_str());
    let is_named = |value: &Value| value.as_str().is_some_and(is_agent);
    let of_entity = activity.entities.iter().filter(|entity| entity.kind.eq_ignore_ascii_case("quotedReply"));
    let of_attachment = activity.attachments.iter().filter(|attachment| {
        attachment.content_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case(MESSAGE_REFERENCE))
    });
    of_entity.filter_map(|entity| entity.extra.get("quotedReply")).any(|quote| is_named(&quote["senderId"]))
        || of_attachment.filter_map(|attachment| sender_of(attachment.content.as_ref()?)).any(|sender| {
            ["application", "user", "bot"].iter().any(|kind| is_named(&sender[kind]["id"]))
                || is_named(&sender["id"])
        })
        || written.quoted.iter().any(|id| is_agent(id))
}

/// Returns the sender in a message reference, which is an object or JSON in a string.
fn sender_of(content: &Value) -> Option<Value> {
    let parsed = content.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let content = parsed.as_ref().unwrap_or(content);
    content.get("messageSender").cloned()
}
