//! A turn: the processing of one inbound activity.
//! Holds the engine's input; the functions send the response.

use serde::{Deserialize, Serialize};

use crate::agent::memory::Memory;
use crate::protocol::activity::Activity;
use crate::protocol::conversation::ConversationReference;

/// One inbound activity and the conversation it came from.
///
/// # Examples
///
/// ```
/// use herald::agent::{Response, Turn};
///
/// fn respond(turn: &Turn) -> Response {
///     match turn.text().as_str() {
///         "" => Response::ignore(),
///         text => Response::reply(format!("You wrote: {text}")),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The inbound activity.
    pub activity: Activity,
    /// The conversation to respond in.
    pub reference: ConversationReference,
    /// The conversation's memory; empty unless [`Engine::needs_memory`](crate::agent::engine::Engine::needs_memory).
    #[serde(skip)]
    pub memory: Memory,
}

impl Turn {
    /// Returns the turn of `activity` in the conversation `reference`, without memory.
    #[must_use]
    pub fn new(activity: Activity, reference: ConversationReference) -> Self {
        Self { activity, reference, memory: Memory::default() }
    }

    /// Returns the trimmed text of the activity without mentions of the agent; empty where it has none.
    ///
    /// In channels and group chats the text starts with `<at>Name</at>`; only mentions of the activity's
    /// recipient are removed, so `order <at>Dana</at> a laptop` stays unchanged (docs/protocol.md §5.7).
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.activity.text.clone().unwrap_or_default();
        let mentions =
            self.activity.entities.iter().filter_map(crate::protocol::activity::Entity::as_mention);
        let without = mentions
            .filter(|mention| mention.mentioned.id == self.reference.agent.id)
            .filter_map(|mention| mention.text.filter(|tag| !tag.is_empty()))
            .fold(text, |text, tag| text.replace(&tag, ""));
        without.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn turn(text: &str, entities: &serde_json::Value) -> Turn {
        let activity: Activity = serde_json::from_value(json!({
            "type": "message", "text": text, "entities": entities, "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/", "conversation": { "id": "19:x" },
            "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
        }))
        .unwrap();
        let reference = ConversationReference::of(&activity).unwrap();
        Turn::new(activity, reference)
    }

    #[test]
    fn only_mentions_of_the_agent_are_removed() {
        let entities = json!([
            { "type": "mention", "text": "<at>Herald</at>", "mentioned": { "id": "28:me" } },
            { "type": "mention", "text": "<at>Dana</at>", "mentioned": { "id": "29:dana" } },
        ]);

        assert_eq!(
            turn("<at>Herald</at> order <at>Dana</at> a laptop", &entities).text(),
            "order <at>Dana</at> a laptop"
        );
    }

    #[test]
    fn mention_without_entity_stays_in_the_text() {
        assert_eq!(turn("<at>Herald</at> hi", &json!([])).text(), "<at>Herald</at> hi");
    }
}
