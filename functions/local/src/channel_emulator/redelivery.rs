//! Delivers an activity again, as Teams does when the agent does not answer in time (docs/protocol.md §8.2).

use serde::Deserialize;
use serde_json::{Value, json};

use super::channel::Channel;
use super::delivery_log::Answer;
use super::error::ChannelError;

/// The id of a redelivered activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedeliveryId {
    /// The id and the timestamp of the first delivery.
    Same,
    /// A new id and a new timestamp, as for the third delivery of an invoke.
    New,
}

impl Channel {
    /// Delivers the activity that was delivered `later` deliveries before the latest one again, late if that is not 0.
    ///
    /// # Errors
    ///
    /// [`ChannelError::NoDelivery`] if the log has no such delivery; else as [`Channel::deliver`].
    pub async fn redeliver(&self, later: usize, id: RedeliveryId) -> Result<Answer, ChannelError> {
        let (delivered, _) = self.delivered_since(0);
        let delivery = delivered.into_iter().nth_back(later).ok_or(ChannelError::NoDelivery)?;
        self.deliver_again(delivery.activity, id).await
    }

    /// Delivers `activity`, which was delivered before, again.
    pub(crate) async fn deliver_again(
        &self,
        mut activity: Value,
        id: RedeliveryId,
    ) -> Result<Answer, ChannelError> {
        match id {
            RedeliveryId::Same => {}
            RedeliveryId::New => {
                let now = self.state.options.clock.now();
                activity["id"] = json!(self.state.directory().next_activity(now));
                activity["timestamp"] = json!(self.timestamp());
            }
        }
        self.deliver(activity).await
    }
}
