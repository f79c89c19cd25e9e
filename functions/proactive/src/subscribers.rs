//! Which topics those on a page subscribed to, where several parts of an audience make that matter.
//! What that means for who is told is [`Audience::tells`]'s to say.

use std::collections::HashMap;

use herald::agent::topic::Topic;
use herald::aws::table::StoreError;
use herald::broadcast::audience::{Audience, TopicSubscriptions};
use herald::protocol::conversation::ReferenceKey;
use jiff::{SignedDuration, Timestamp};

use crate::Proactive;

/// So long before a broadcast begins a subscription must be written for whoever lists the topic to see it: no write
/// takes as long, and no two clocks are as far apart.
const SEEN: SignedDuration = SignedDuration::from_mins(1);

/// Who on a page subscribed to each of the topics that an audience names.
pub(crate) struct Subscribers<'a> {
    topics: Vec<(&'a Topic, Among)>,
    begun: Timestamp,
}

enum Among {
    /// They were found by it.
    Everyone,
    /// These, and when that was written.
    These(HashMap<ReferenceKey, Timestamp>),
}

impl Among {
    /// Whether the conversation found by `key` is among them, and if so, whether it was when they were listed.
    fn lists(&self, key: Option<&ReferenceKey>, begun: Timestamp) -> Option<bool> {
        match self {
            Self::Everyone => Some(true),
            Self::These(written) => Some(begun.duration_since(*written.get(key?)?) >= SEEN),
        }
    }
}

impl Subscribers<'_> {
    /// The topics that the conversation found by `key` subscribed to.
    pub(crate) fn topics_of(&self, key: Option<&ReferenceKey>) -> Vec<TopicSubscriptions<'_>> {
        let subscribed = self.topics.iter().filter_map(|(topic, among)| {
            let was_enumerated = among.lists(key, self.begun)?;
            Some(TopicSubscriptions { topic, was_enumerated })
        });
        subscribed.collect()
    }
}

impl Proactive {
    /// Who of `keys`, found in `part` of the `audience` of a broadcast that was `begun` then, subscribed to what it names.
    pub(crate) async fn subscribers<'a>(
        &self,
        audience: &'a Audience,
        begun: Timestamp,
        part: &Audience,
        keys: &[ReferenceKey],
    ) -> Result<Subscribers<'a>, StoreError> {
        let mut topics = Vec::new();
        for topic in audience.topics() {
            let is_own = matches!(part, Audience::Topic { topic: own } if own == topic);
            let among = if is_own {
                Among::Everyone
            } else {
                Among::These(self.subscriptions.among(topic, keys).await?)
            };
            topics.push((topic, among));
        }
        Ok(Subscribers { topics, begun })
    }
}
