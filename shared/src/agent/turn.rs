//! A turn: the processing of one inbound activity.
//! Holds the engine's input; the functions send the response.

mod addressed;
mod mentions;

use serde::{Deserialize, Serialize};

use self::mentions::Mentions;
use crate::agent::memory::Memory;
use crate::protocol::activity::{Activity, ChannelAccount, Entity};
use crate::protocol::conversation::ConversationReference;
use crate::protocol::text::Written;

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

    /// Returns what the person wrote, trimmed; empty where there is no text.
    ///
    /// Mentions of the agent, in any form, and quoted messages are removed; mentions of others are read as their names, so
    /// `<at>Herald</at> order <at>Dana</at> a laptop` is `order Dana a laptop`. A message that has only HTML is read
    /// without its markup; other text is not changed (docs/protocol.md §5.7).
    #[must_use]
    pub fn text(&self) -> String {
        self.own_mentions().text(&Written::of(&self.activity))
    }

    /// Returns the accounts that the activity mentions other than the agent, with their names, once each.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::agent::{Response, Turn};
    ///
    /// fn respond(turn: &Turn) -> Response {
    ///     let names = turn.mentions().into_iter().filter_map(|account| account.name);
    ///     Response::reply(names.collect::<Vec<_>>().join(", "))
    /// }
    /// ```
    #[must_use]
    pub fn mentions(&self) -> Vec<ChannelAccount> {
        self.own_mentions().others()
    }

    /// Whether the activity is meant for the agent: everything of a personal conversation; elsewhere what mentions the
    /// agent, quotes it or replies to it, or is an action on it, such as an invoke, a card's button or an installation.
    ///
    /// Where the app may read all messages of a channel or a chat, the others arrive too. The runtime sends no ack, no
    /// typing indicator and no failure notice for them; the engine decides whether it responds.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::agent::{Response, Turn};
    ///
    /// fn respond(turn: &Turn) -> Response {
    ///     if !turn.is_addressed() {
    ///         return Response::ignore();
    ///     }
    ///     Response::reply(format!("You wrote: {}", turn.text()))
    /// }
    /// ```
    #[must_use]
    pub fn is_addressed(&self) -> bool {
        let agent = &self.reference.agent;
        if self.reference.is_personal() {
            return true;
        }
        addressed::is_by_type(&self.activity, agent).unwrap_or_else(|| {
            let written = Written::of(&self.activity);
            self.own_mentions().include_agent(&written)
                || addressed::is_quoted(&self.activity, &written, agent)
        })
    }

    fn own_mentions(&self) -> Mentions<'_> {
        // The recipient of this activity; a stored reference may lack its name.
        let agent = self
            .activity
            .recipient
            .as_ref()
            .filter(|own| own.name.is_some())
            .unwrap_or(&self.reference.agent);
        Mentions { agent, entities: self.activity.entities.iter().filter_map(Entity::as_mention).collect() }
    }
}

#[cfg(test)]
mod tests;
