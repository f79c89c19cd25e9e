//! Creating personal conversations (protocol §7.1): without an activity, so that it may be repeated freely.
//! What is said in one is sent by itself.

use serde_json::json;

use super::{Connector, ConnectorError, Refusal, Remedy};
use crate::conversation::User;
use crate::ids::ConversationId;
use crate::service_url::ServiceUrl;

/// A conversation the channel created, or had already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The conversation.
    pub conversation: ConversationId,
    /// Where its connector answers.
    pub service_url: ServiceUrl,
}

impl Connector {
    /// Creates the personal conversation with `user`, or finds the one there is.
    ///
    /// It carries no activity, so it may be repeated freely; the first activity is sent by itself
    /// (protocol §7.1). The tenant is given in both places the channel may look for it.
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn create_conversation(&self, user: &User) -> Result<Created, ConnectorError> {
        let url = &self.cloud.global_service_url;
        let created = self.create_at(url, user).await;
        let is_elsewhere =
            |error: &ConnectorError| error.refusal().map(Refusal::remedy) == Some(Remedy::OtherHost);
        match (created, self.cloud.other_service_url(url)) {
            (Err(error), Some(other)) if is_elsewhere(&error) => self.create_at(other, user).await,
            (created, _) => created,
        }
    }

    async fn create_at(&self, url: &ServiceUrl, user: &User) -> Result<Created, ConnectorError> {
        let body = json!({
            "isGroup": false,
            "bot": { "id": self.account(user.channel.as_str()) },
            "members": [{ "id": user.id }],
            "tenantId": user.tenant,
            "channelData": { "tenant": { "id": user.tenant } },
        });
        let resource = self.post(url, &["v3", "conversations"], &body).await?;
        let id = resource.id.and_then(|id| ConversationId::new(id).ok());
        let conversation = id.ok_or_else(|| ConnectorError::ambiguous("the answer names no conversation"))?;
        let service_url = match resource.service_url.as_deref().map(ServiceUrl::new) {
            Some(Ok(theirs)) if self.cloud.admits(&theirs) => theirs,
            _ => url.clone(),
        };
        Ok(Created { conversation, service_url })
    }
}
