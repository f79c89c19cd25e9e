//! Activities of Microsoft 365 Copilot (docs/protocol.md §5.4): those of Teams, marked in one of several forms.

use serde_json::{Value, json};

use super::channel::Channel;
use super::entities::add_entity;
use super::person::Person;

/// How an activity names Copilot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopilotForm {
    /// By the entity `ProductInfo`.
    ProductInfo,
    /// By `channelData.productContext`.
    ProductContext,
    /// By the channel id `msteams:COPILOT`.
    CompoundChannel,
}

impl CopilotForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::ProductInfo, Self::ProductContext, Self::CompoundChannel];
}

impl Channel {
    /// Returns a message that `person` writes in Copilot, in a conversation of [`Channel::open_conversation`].
    pub fn copilot_message(
        &self,
        person: &Person,
        conversation: &str,
        text: &str,
        form: CopilotForm,
    ) -> Value {
        let mut activity = self.message_in(person, conversation, text);
        match form {
            CopilotForm::ProductInfo => {
                add_entity(&mut activity, json!({ "type": "ProductInfo", "id": "COPILOT" }));
            }
            CopilotForm::ProductContext => activity["channelData"]["productContext"] = json!("COPILOT"),
            CopilotForm::CompoundChannel => activity["channelId"] = json!("msteams:COPILOT"),
        }
        activity
    }
}
