//! What conversations, and people, are found by in the table.
//! The hashes themselves are made in [`crate::protocol::conversation`].

use super::ReferenceStore;
use crate::agent::notification::Recipient;
use crate::protocol::conversation::{ConversationReference, ReferenceKey, User};

impl ReferenceStore {
    /// What `reference` is found by.
    #[must_use]
    pub fn key(&self, reference: &ConversationReference) -> ReferenceKey {
        reference.key(&self.client_id, &self.cloud)
    }

    /// What a person's conversation is found by.
    #[must_use]
    pub fn person_key(&self, person: &User) -> String {
        person.key(&self.client_id, &self.cloud)
    }

    /// Who is meant when somebody says in the conversation `reference` what they want to be spared: the person, and
    /// where it is not with one person known by Entra id, the conversation.
    #[must_use]
    pub fn subject(&self, reference: &ConversationReference) -> String {
        match reference.person() {
            Some(person) => self.person_key(&person),
            None => self.key(reference).as_str().to_owned(),
        }
    }

    /// The same of one who is to be told something; a team's channel says nothing about that.
    #[must_use]
    pub fn subject_of(&self, recipient: &Recipient) -> Option<String> {
        match recipient {
            Recipient::Conversation { reference } => Some(self.subject(reference)),
            Recipient::User(user) => Some(self.person_key(user)),
            Recipient::Channel(_) => None,
        }
    }
}
