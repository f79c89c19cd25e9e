//! Looks up topic subscriptions for one page of recipients; needed only for combined audiences.
//! [`Audience`] decides what a subscription means for a recipient.

use std::collections::HashMap;

use herald::agent::Topic;
use herald::aws::table::{StoreError, SubscriptionStore};
use herald::broadcast::audience::{Audience, TopicSubscription};
use herald::protocol::conversation::Subject;
use jiff::{SignedDuration, Timestamp};

/// How long before a broadcast begins a subscription must be written to be enumerated with its topic for certain: longer
/// than any write takes and any two clocks differ.
const VISIBILITY_MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// The subscribers on a page, for each topic that an audience names.
pub(crate) struct Subscribers<'a> {
    topics: Vec<(&'a Topic, Membership)>,
    begun: Timestamp,
}

/// Who on a page subscribed to a topic.
enum Membership {
    /// All of them: the page lists the topic's subscribers.
    Everyone,
    /// These, with the time of the subscription.
    These(HashMap<Subject, Timestamp>),
}

impl Membership {
    /// Returns whether the subscription of `subject` was enumerated with the topic; `None` where there is no subscription.
    fn was_enumerated(&self, subject: Option<&Subject>, begun: Timestamp) -> Option<bool> {
        match self {
            Self::Everyone => Some(true),
            Self::These(written) => Some(begun.duration_since(*written.get(subject?)?) >= VISIBILITY_MARGIN),
        }
    }
}

impl<'a> Subscribers<'a> {
    /// Reads which of `subjects`, resolved from `part`, subscribed to the topics of `audience`; its broadcast began at `begun`.
    pub(crate) async fn load(
        subscriptions: &SubscriptionStore,
        audience: &'a Audience,
        begun: Timestamp,
        part: &Audience,
        subjects: &[Subject],
    ) -> Result<Self, StoreError> {
        let mut topics = Vec::new();
        for topic in audience.topics() {
            let is_own = matches!(part, Audience::Topic { topic: own } if own == topic);
            let membership = if is_own {
                Membership::Everyone
            } else {
                Membership::These(subscriptions.filter_subscribed(topic, subjects).await?)
            };
            topics.push((topic, membership));
        }
        Ok(Self { topics, begun })
    }

    /// Returns the topics that `subject` subscribed to.
    pub(crate) fn topics_of(&self, subject: Option<&Subject>) -> Vec<TopicSubscription<'_>> {
        let subscribed = self.topics.iter().filter_map(|(topic, membership)| {
            let was_enumerated = membership.was_enumerated(subject, self.begun)?;
            Some(TopicSubscription { topic, was_enumerated })
        });
        subscribed.collect()
    }
}
