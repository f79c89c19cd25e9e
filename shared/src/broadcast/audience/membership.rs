//! Audience membership: whether a recipient belongs to an audience, and in which of several parts it is planned.
//! Reads nothing: the caller supplies teams and subscriptions.

use super::{Audience, ConversationKind, Segment};
use crate::agent::notification::Recipient;
use crate::agent::topic::Topic;
use crate::protocol::conversation::{ReferenceKey, User};
use crate::protocol::ids::TenantId;
use crate::protocol::team::Team;

/// Recipient with the facts that decide membership.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Recipient.
    pub recipient: &'a Recipient,
    /// Key of the conversation reference, if there is one.
    pub key: Option<&'a ReferenceKey>,
    /// Teams of the audience that the recipient is a member of.
    pub teams: &'a [&'a Team],
    /// Topics of the audience that the conversation is subscribed to.
    pub topics: &'a [TopicSubscription<'a>],
}

/// Subscription of a recipient to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicSubscription<'a> {
    /// Topic.
    pub topic: &'a Topic,
    /// Whether it existed when the enumeration of the subscribers started.
    pub was_enumerated: bool,
}

impl Segment {
    fn contains(&self, recipient: &Recipient) -> bool {
        let is_in_tenant = |tenants: &Vec<TenantId>| {
            recipient.tenant().is_some_and(|tenant| tenants.iter().any(|wanted| wanted.is(tenant)))
        };
        let is_in_language = |locales: &Vec<String>| {
            recipient.locale().is_some_and(|locale| locales.iter().any(|wanted| covers(wanted, locale)))
        };
        let kind = match recipient {
            Recipient::Conversation { reference } => ConversationKind::of(reference),
            Recipient::User(_) => Some(ConversationKind::Personal),
            Recipient::Channel(_) => None,
        };
        kind == Some(self.conversations)
            && self.tenants.as_ref().is_none_or(is_in_tenant)
            && self.locales.as_ref().is_none_or(is_in_language)
    }
}

/// Whether `wanted` is `locale` or its language.
pub(super) fn covers(wanted: &str, locale: &str) -> bool {
    let (wanted, locale) = (wanted.to_ascii_lowercase(), locale.to_ascii_lowercase());
    locale.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl Audience {
    /// Whether a recipient enumerated in part `part` is planned there: not excluded, and in no earlier part.
    #[must_use]
    pub fn is_first_match(&self, part: usize, candidate: Candidate<'_>) -> bool {
        let Self::Any { of, except } = self else { return true };
        let before = of.get(..part).unwrap_or_default();
        let is_excluded = except.iter().any(|audience| audience.contains(candidate));
        let is_planned_before = before
            .iter()
            .any(|audience| audience.is_enumerable_for(candidate) && audience.contains(candidate));
        !is_excluded && !is_planned_before
    }

    /// Whether the recipient belongs to the audience.
    #[must_use]
    pub fn contains(&self, candidate: Candidate<'_>) -> bool {
        let is_person = |user: &User| candidate.recipient.person().is_some_and(|person| person.is(user));
        match self {
            Self::Everyone {} => match candidate.recipient {
                Recipient::Conversation { reference } => reference.is_personal(),
                Recipient::User(_) => true,
                Recipient::Channel(_) => false,
            },
            Self::Segment(segment) => segment.contains(candidate.recipient),
            Self::User(user) => is_person(user),
            Self::Users { users } => users.iter().any(|listed| is_person(&listed.user())),
            Self::Conversation { reference } => candidate.key == Some(reference),
            Self::Topic { topic } => candidate.topics.iter().any(|subscribed| subscribed.topic == topic),
            Self::Channel(channel) => {
                matches!(candidate.recipient, Recipient::Channel(other) if other == channel)
            }
            Self::Team(team) => candidate.teams.contains(&team),
            Self::Any { of, except } => {
                let contains = |audience: &Self| audience.contains(candidate);
                of.iter().any(contains) && !except.iter().any(contains)
            }
        }
    }

    /// Whether the enumeration certainly contained the recipient. People without a conversation are not enumerated, and
    /// conversations that subscribed later may not have been.
    fn is_enumerable_for(&self, candidate: Candidate<'_>) -> bool {
        match self {
            Self::Everyone {} | Self::Segment(_) => {
                matches!(candidate.recipient, Recipient::Conversation { .. })
            }
            Self::Topic { topic } => {
                candidate.topics.contains(&TopicSubscription { topic, was_enumerated: true })
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
