//! Builds mentions: the tag in the text and its entity, which repeats it exactly (docs/protocol.md §5.7).

use super::escape_xml;
use crate::protocol::activity::{Activity, ChannelAccount, Entity};

impl Activity {
    /// Appends a mention of `account` to the text, with its entity (docs/protocol.md §5.7). Without a name it shows the id.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::{Activity, ChannelAccount};
    /// use herald::protocol::ids::AccountId;
    ///
    /// let mut kim = ChannelAccount::new(AccountId::new("29:kim")?);
    /// kim.name = Some("Kim & Co".to_owned());
    /// let message = Activity::message("Done, ").mention(&kim);
    ///
    /// assert_eq!(message.text.as_deref(), Some("Done, <at>Kim &amp; Co</at>"));
    /// assert_eq!(message.entities[0].as_mention().and_then(|mention| mention.text), Some("<at>Kim &amp; Co</at>".to_owned()));
    /// # Ok::<(), herald::protocol::ids::InvalidId>(())
    /// ```
    #[must_use]
    pub fn mention(mut self, account: &ChannelAccount) -> Self {
        let name = account.name.as_deref().filter(|name| !name.trim().is_empty());
        let tag = format!("<at>{}</at>", escape_xml(name.unwrap_or(account.id.as_str())));
        self.text.get_or_insert_default().push_str(&tag);
        let mentioned = serde_json::json!({ "id": account.id, "name": name });
        let extra = [("text".to_owned(), tag.into()), ("mentioned".to_owned(), mentioned)];
        self.entities.push(Entity { kind: "mention".to_owned(), extra: extra.into_iter().collect() });
        self
    }
}
