//! The stored record of a conversation reference: merged from all activities of the conversation, in any order of arrival.
//! Does not store it.

use jiff::{SignedDuration, Timestamp};

use super::details::Details;
use super::lifecycle::{self, EventOrder, Evidence, Presence};
use super::{ConversationReference, is_one_person};
use crate::protocol::activity::Activity;
use crate::protocol::service_url::ServiceUrl;

/// A conversation reference with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceRecord {
    /// The merged reference.
    pub reference: ConversationReference,
    /// Language and zone of the conversation, in a personal one also the name of the person, with their times.
    pub details: Details,
    /// The newest update.
    pub order: EventOrder,
    /// Whether the agent may write there.
    pub state: ReferenceState,
    /// Why it may not.
    pub reason: Option<String>,
    /// The rejection without a known reason that came last, if nothing succeeded since.
    pub suspect: Option<String>,
    /// The service URL before the one of the reference.
    pub former_url: Option<ServiceUrl>,
}

/// State of a stored reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceState {
    /// The agent may write there.
    Active,
    /// The agent was removed from the conversation.
    Removed,
    /// The channel rejected a send.
    Suspended,
    /// The conversation no longer exists.
    Dropped,
}

/// An update of a conversation by one activity.
#[derive(Debug, Clone)]
pub struct Update {
    /// Its reference, with nothing added to it.
    pub reference: ConversationReference,
    /// Whether the agent is present after it.
    pub presence: Presence,
    /// What it shows of the agent's membership.
    pub evidence: Evidence,
    /// When it was made.
    pub at: Timestamp,
}

impl Update {
    /// Returns the update by an inbound `activity` with this `reference`, received at `now`.
    #[must_use]
    pub fn of(activity: &Activity, reference: &ConversationReference, now: Timestamp) -> Self {
        Self {
            reference: reference.clone(),
            presence: lifecycle::presence(activity),
            evidence: lifecycle::evidence(activity),
            at: lifecycle::event_time(activity, now),
        }
    }

    /// Returns its sort key.
    #[must_use]
    pub fn order(&self) -> EventOrder {
        let content = serde_json::to_string(&self.reference).unwrap_or_default();
        EventOrder::of(self.at, self.presence, &content)
    }

    /// Returns what it tells of its sender; not the name in a conversation of several people.
    #[must_use]
    pub fn details(&self) -> Details {
        let details = Details::of(&self.reference, self.at);
        if self.reference.is_personal() { details } else { Details { name: None, ..details } }
    }
}

impl ReferenceRecord {
    /// Returns the record of a conversation after its first update.
    #[must_use]
    pub fn new(update: &Update) -> Self {
        Self {
            reference: update.reference.clone(),
            details: update.details(),
            order: update.order(),
            state: ReferenceState::after(update.presence),
            reason: None,
            suspect: None,
            former_url: None,
        }
    }

    /// Returns the record after `update`: a newer one replaces what it tells, an older one adds what is unknown.
    #[must_use]
    pub fn updated(self, update: &Update) -> Self {
        let order = update.order();
        let is_newer = self.order < order;
        let (newer, older) = match is_newer {
            true => (&update.reference, &self.reference),
            false => (&self.reference, &update.reference),
        };
        let is_same =
            older.user.as_ref().zip(newer.user.as_ref()).is_none_or(|(one, other)| is_one_person(one, other));
        let details = match (is_same || !newer.is_personal(), is_newer) {
            (true, _) => self.details.merged(update.details()),
            // The conversation was another person's before.
            (false, true) => update.details(),
            (false, false) => self.details,
        };
        let mut reference = newer.clone();
        reference.complete_conversation(older);
        reference.complete_user(older);
        details.write_to(&mut reference);
        let moved = is_newer && self.reference.service_url != update.reference.service_url;
        let former_url = if moved { Some(self.reference.service_url) } else { self.former_url };
        if is_newer {
            let state = ReferenceState::after(update.presence);
            Self { reference, details, order, state, reason: None, suspect: None, former_url }
        } else {
            Self { reference, details, former_url, ..self }
        }
    }

    /// Returns the record after the channel rejected a send, if that is the newest update.
    #[must_use]
    pub fn ended(self, state: ReferenceState, reason: &str, order: EventOrder) -> Option<Self> {
        (self.order < order).then(|| Self {
            state,
            reason: Some(reason.to_owned()),
            suspect: None,
            order,
            ..self
        })
    }

    /// Whether the stored record `self` has to be replaced by `newer`: they differ in more than times, or by `max_age`.
    #[must_use]
    pub fn needs_update(&self, newer: &Self, max_age: SignedDuration) -> bool {
        let as_of = |record: &Self, other: &Self| Self {
            order: other.order.clone(),
            details: other.details.clone(),
            ..record.clone()
        };
        !self.details.is_like(&newer.details)
            || as_of(self, newer) != *newer
            || newer.order.is_later_by(&self.order, max_age)
    }
}

impl ReferenceState {
    fn after(presence: Presence) -> Self {
        match presence {
            Presence::Active => Self::Active,
            Presence::Removed => Self::Removed,
        }
    }
}
