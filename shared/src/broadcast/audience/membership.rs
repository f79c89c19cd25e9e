//! Who belongs to an audience, and who of several parts is told in which.
//! Nobody is looked up here: what is known of a recipient comes in.

use super::{Audience, ConversationKind, Segment};
use crate::agent::notification::Recipient;
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ReferenceKey, User};
use crate::protocol::ids::TenantId;
use crate::protocol::team::Team;

/// A recipient, and what is known of them that they do not carry.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Who.
    pub recipient: &'a Recipient,
    /// What the conversation's reference is found by, where there is one.
    pub key: Option<&'a ReferenceKey>,
    /// The teams that they are a member of, among those that the audience names.
    pub teams: &'a [&'a Team],
    /// The topics that their conversation is subscribed to, among those that the audience names.
    pub topics: &'a [TopicSubscriptions<'a>],
}

/// A topic that somebody is subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicSubscriptions<'a> {
    /// Which.
    pub topic: &'a Topic,
    /// Whether they were by the time at which its subscribers were begun to be listed.
    pub was_enumerated: bool,
}

impl Segment {
    fn contains(&self, recipient: &Recipient) -> bool {
        let is_of = |tenants: &Vec<TenantId>| {
            recipient.tenant().is_some_and(|tenant| tenants.iter().any(|wanted| wanted.is(tenant)))
        };
        let speaks = |locales: &Vec<String>| {
            recipient.locale().is_some_and(|locale| locales.iter().any(|wanted| covers(wanted, locale)))
        };
        let kind = match recipient {
            Recipient::Conversation { reference } => ConversationKind::of(reference),
            Recipient::User(_) => Some(ConversationKind::Personal),
            Recipient::Channel(_) => None,
        };
        kind == Some(self.conversations)
            && self.tenants.as_ref().is_none_or(is_of)
            && self.locales.as_ref().is_none_or(speaks)
    }
}

/// Whether `wanted` is `locale` or the language of it.
pub(super) fn covers(wanted: &str, locale: &str) -> bool {
    let (wanted, locale) = (wanted.to_ascii_lowercase(), locale.to_ascii_lowercase());
    locale.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl Audience {
    /// Whether a recipient, found in part `part`, is to be told there: not left out, and in no part before.
    #[must_use]
    pub fn is_first_match(&self, part: usize, found: Candidate<'_>) -> bool {
        let Self::Any { of, except } = self else { return true };
        let before = of.get(..part).unwrap_or_default();
        let is_left_out = except.iter().any(|audience| audience.contains(found));
        let is_told_before =
            before.iter().any(|audience| audience.is_enumerable_for(found) && audience.contains(found));
        !is_left_out && !is_told_before
    }

    /// Whether a recipient belongs to it.
    #[must_use]
    pub fn contains(&self, found: Candidate<'_>) -> bool {
        let is_person = |user: &User| found.recipient.person().is_some_and(|person| person.is(user));
        match self {
            Self::Everyone {} => match found.recipient {
                Recipient::Conversation { reference } => reference.conversation.is_personal(),
                Recipient::User(_) => true,
                Recipient::Channel(_) => false,
            },
            Self::Segment(segment) => segment.contains(found.recipient),
            Self::User(user) => is_person(user),
            Self::Users { users } => users.iter().any(|addressee| is_person(&addressee.user())),
            Self::Conversation { reference } => found.key == Some(reference),
            Self::Topic { topic } => found.topics.iter().any(|subscribed| subscribed.topic == topic),
            Self::Channel(channel) => {
                matches!(found.recipient, Recipient::Channel(other) if other == channel)
            }
            Self::Team(team) => found.teams.contains(&team),
            Self::Any { of, except } => {
                let holds = |audience: &Self| audience.contains(found);
                of.iter().any(holds) && !except.iter().any(holds)
            }
        }
    }

    /// Whether such a recipient was surely found in it: conversations are listed, who has none is not, and who
    /// subscribed meanwhile may not have been.
    fn is_enumerable_for(&self, found: Candidate<'_>) -> bool {
        match self {
            Self::Everyone {} | Self::Segment(_) => matches!(found.recipient, Recipient::Conversation { .. }),
            Self::Topic { topic } => {
                found.topics.contains(&TopicSubscriptions { topic, was_enumerated: true })
            }
            Self::User(_)
            | Self::Users { .. }
            | Self::Conversation { .. }
            | Self::Channel(_)
            | Self::Team(_)
            | Self::Any { .. } => true,
        }
    }
}
