//! Keys of references and of people.
//!
//! [`crate::protocol::conversation`] computes their hashes.

use super::ReferenceStore;
use crate::agent::notification::Recipient;
use crate::protocol::conversation::{ConversationReference, ReferenceKey, Subject, User};

impl ReferenceStore {
    /// Returns the key of `reference`.
    #[must_use]
    pub fn key(&self, reference: &ConversationReference) -> ReferenceKey {
        reference.key(&self.client_id, &self.cloud)
    }

    /// Returns the key of a person, by which their conversation is indexed.
    #[must_use]
    pub fn person_key(&self, person: &User) -> String {
        person.key(&self.client_id, &self.cloud)
    }

    /// Returns whose preferences and subscriptions a setting made in the conversation `reference` changes.
    ///
    /// They are the person's, or the conversation's where it is not with one person known by Entra id.
    #[must_use]
    pub fn subject(&self, reference: &ConversationReference) -> Subject {
        match reference.person() {
            Some(person) => Subject::Person(self.person_key(&person)),
            None => Subject::Conversation(self.key(reference)),
        }
    }

    /// Returns whose preferences and subscriptions apply to `recipient`; a channel of a team has none.
    #[must_use]
    pub fn subject_of(&self, recipient: &Recipient) -> Option<Subject> {
        match recipient {
            Recipient::Conversation { reference } => Some(self.subject(reference)),
            Recipient::User(user) => Some(Subject::Person(self.person_key(user))),
            Recipient::Channel(_) => None,
        }
    }
}
