//! Which topics those on a page subscribed to, where several parts of an audience make that matter.
//! What that means for who is told is [`Audience::tells`]'s to say.

use std::collections::HashSet;

use herald::audience::Audience;
use herald::conversation::ReferenceKey;
use herald::store::StoreError;
use herald::topic::Topic;

use crate::Proactive;

/// Who on a page subscribed to each of the topics that an audience names.
pub(crate) struct Subscribers<'a>(Vec<(&'a Topic, Among)>);

enum Among {
    /// They were found by it.
    Everyone,
    These(HashSet<ReferenceKey>),
}

impl Subscribers<'_> {
    /// The topics that the conversation found by `key` subscribed to.
    pub(crate) fn topics_of(&self, key: Option<&ReferenceKey>) -> Vec<&Topic> {
        let is_among = |among: &Among| match among {
            Among::Everyone => true,
            Among::These(keys) => key.is_some_and(|key| keys.contains(key)),
        };
        self.0.iter().filter(|(_, among)| is_among(among)).map(|(topic, _)| *topic).collect()
    }
}

impl Proactive {
    /// Who of `keys`, found in `part` of `audience`, subscribed to what it names.
    pub(crate) async fn subscribers<'a>(
        &self,
        audience: &'a Audience,
        part: &Audience,
        keys: &[ReferenceKey],
    ) -> Result<Subscribers<'a>, StoreError> {
        let mut subscribers = Vec::new();
        for topic in audience.topics() {
            let is_own = matches!(part, Audience::Topic { topic: own } if own == topic);
            let among = if is_own {
                Among::Everyone
            } else {
                Among::These(self.subscriptions.among(topic, keys).await?)
            };
            subscribers.push((topic, among));
        }
        Ok(Subscribers(subscribers))
    }
}
