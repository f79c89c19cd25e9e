//! A person: what is known of them, and their personal conversations with the agent.
//! Decides which conversation a notification goes to. Does not store or send.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::details::Details;
use super::lifecycle::{EventOrder, Presence};
use super::{ConversationReference, ConversationSurface, ReferenceKey, User};

/// Maximum number of conversations of a person: the newest ones.
const MAX_CONVERSATIONS: usize = 9;

/// One person, known by Entra id. Updates may arrive in any order and more than once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Who it is.
    user: User,
    /// Language, zone and name, from the activities of all their conversations.
    #[serde(default)]
    details: Details,
    /// Their personal conversations, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    conversations: Vec<PersonalConversation>,
}

/// One personal conversation, as of its last update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PersonalConversation {
    key: ReferenceKey,
    order: EventOrder,
    /// Whether the agent may write there.
    is_active: bool,
    reference: ConversationReference,
}

impl Person {
    /// Returns a person without conversations.
    #[must_use]
    pub fn new(user: User) -> Self {
        Self { user, details: Details::default(), conversations: Vec::new() }
    }

    /// Returns the person after an activity in any conversation told `details`.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = self.details.merged(details);
        self
    }

    /// Returns the person after the update `order` of their personal conversation `reference`, unless a newer one is known.
    #[must_use]
    pub fn with_conversation(
        mut self,
        key: &ReferenceKey,
        reference: &ConversationReference,
        presence: Presence,
        order: EventOrder,
    ) -> Self {
        let known = self.conversations.iter().position(|conversation| conversation.key == *key);
        let update = PersonalConversation {
            key: key.clone(),
            order,
            is_active: presence == Presence::Active,
            reference: reference.clone(),
        };
        match known.and_then(|index| self.conversations.get_mut(index)) {
            Some(conversation) if conversation.order < update.order => *conversation = update,
            Some(_) => {}
            None => self.conversations.push(update),
        }
        self.conversations
            .sort_by(|one, other| (&other.order, other.key.as_str()).cmp(&(&one.order, one.key.as_str())));
        self.conversations.truncate(MAX_CONVERSATIONS);
        self
    }

    /// Returns the person after the channel rejected a send to the conversation with `key`, unless a newer update is known.
    #[must_use]
    pub fn without_conversation(mut self, key: &ReferenceKey, order: &EventOrder) -> Self {
        for conversation in self.conversations.iter_mut().filter(|conversation| conversation.key == *key) {
            if conversation.order < *order {
                conversation.is_active = false;
                conversation.order = order.clone();
            }
        }
        self
    }

    /// Returns the person with another reference of a known conversation, as of the same update.
    #[must_use]
    pub fn with_reference(mut self, key: &ReferenceKey, reference: &ConversationReference) -> Self {
        for conversation in self.conversations.iter_mut().filter(|conversation| conversation.key == *key) {
            conversation.reference = reference.clone();
        }
        self
    }

    /// Returns who it is.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns what is known of the person.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// Returns the primary conversation: the newest chat, or the newest Copilot thread of a person without a chat.
    #[must_use]
    pub fn primary(&self) -> Option<ConversationReference> {
        self.newest(ConversationSurface::Chat).or_else(|| self.newest(ConversationSurface::Copilot))
    }

    /// Returns the newest active conversation on `surface`.
    #[must_use]
    pub fn newest(&self, surface: ConversationSurface) -> Option<ConversationReference> {
        let mut active = self.conversations.iter().filter(|conversation| conversation.is_active);
        let newest = active.find(|conversation| conversation.reference.surface() == surface)?;
        let mut reference = newest.reference.clone();
        self.details.write_to(&mut reference);
        Some(reference)
    }

    /// Whether the agent may write to the person somewhere: they are part of an audience.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.conversations.iter().any(|conversation| conversation.is_active)
    }

    /// Whether the stored person `self` has to be replaced by `newer`: they differ in more than times, times decide which
    /// conversation is the primary one, or the newest time differs by `max_age`.
    #[must_use]
    pub fn needs_update(&self, newer: &Self, max_age: SignedDuration) -> bool {
        fn content(person: &Person) -> impl Iterator<Item = (&ReferenceKey, bool, &ConversationReference)> {
            person.conversations.iter().map(|one| (&one.key, one.is_active, &one.reference))
        }
        let [stored, newest] = [self, newer].map(|person| person.conversations.first());
        let is_old = match (stored, newest) {
            (Some(stored), Some(newest)) => newest.order.is_later_by(&stored.order, max_age),
            (None, _) | (_, None) => false,
        };
        let differs = !self.details.is_like(&newer.details) || !content(self).eq(content(newer));
        differs || (self.conversations.len() > 1 && self != newer) || is_old
    }
}
