//! Creates personal conversations and channel threads (docs/protocol.md §1.2, §7.1).
//!
//! Creating a personal conversation is idempotent; creating a thread is not.

use serde_json::{Value, json};

use super::Connector;
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::ConnectorError;
use crate::protocol::conversation::{ConversationSurface, User};
use crate::protocol::ids::{ActivityId, ConversationId};
use crate::protocol::service_url::ServiceUrl;
use crate::protocol::team::TeamChannel;

/// Personal conversation that was created, or existed already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedConversation {
    /// Id of the conversation.
    pub conversation: ConversationId,
    /// Service URL of its connector.
    pub service_url: ServiceUrl,
}

/// Channel thread that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedThread {
    /// Id of its first activity, which the channel may omit.
    pub activity: Option<ActivityId>,
}

/// Returns the request body for a conversation with `user`: no activity, and the tenant in both documented fields.
fn parameters(surface: ConversationSurface, agent: &str, user: &User) -> Value {
    let mut channel_data = json!({ "tenant": { "id": user.tenant } });
    if surface == ConversationSurface::Copilot {
        channel_data["productContext"] = json!("Copilot");
        channel_data["conversation"] = json!({ "conversationSubType": "AgentProactive" });
    }
    json!({
        "isGroup": false,
        "bot": { "id": agent },
        "members": [{ "id": user.id }],
        "tenantId": user.tenant,
        "channelData": channel_data,
    })
}

impl Connector {
    /// Creates the chat with `user`, or returns the existing one; on the surface Copilot it may be a new thread.
    ///
    /// The request contains no activity; the first one is sent separately (docs/protocol.md §7.1).
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn create_conversation(
        &self,
        user: &User,
        surface: ConversationSurface,
    ) -> Result<CreatedConversation, ConnectorError> {
        let url = &self.cloud.global_service_url;
        let created = self.create_at(url, user, surface).await;
        match (created, self.cloud.other_service_url(url)) {
            (Err(error), Some(other)) if error.is_wrong_host() => self.create_at(other, user, surface).await,
            (created, _) => created,
        }
    }

    async fn create_at(
        &self,
        url: &ServiceUrl,
        user: &User,
        surface: ConversationSurface,
    ) -> Result<CreatedConversation, ConnectorError> {
        let body = parameters(surface, &self.account(user.channel.as_str()), user);
        let resource = self.post(url, &["v3", "conversations"], &body).await?;
        let id = resource.id.and_then(|id| ConversationId::new(id).ok());
        let conversation = id.ok_or_else(|| ConnectorError::ambiguous("response has no conversation id"))?;
        let service_url = match resource.service_url.as_deref().map(ServiceUrl::new) {
            Some(Ok(theirs)) if self.cloud.allows_host(&theirs) => theirs,
            _ => url.clone(),
        };
        Ok(CreatedConversation { conversation, service_url })
    }

    /// Creates a thread in `channel` that starts with `activity`. Each call creates another.
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn create_thread(
        &self,
        channel: &TeamChannel,
        activity: Activity,
    ) -> Result<CreatedThread, ConnectorError> {
        let body = json!({
            "isGroup": true,
            "bot": { "id": self.account("msteams") },
            "tenantId": channel.tenant,
            "channelData": { "channel": { "id": channel.id }, "tenant": { "id": channel.tenant } },
            "activity": activity,
        });
        let url = &self.cloud.global_service_url;
        let created = match (self.create_thread_at(url, &body).await, self.cloud.other_service_url(url)) {
            (Err(error), Some(other)) if error.is_wrong_host() => self.create_thread_at(other, &body).await,
            (created, _) => created,
        }?;
        let id = created.as_ref().and_then(|created| created["activityId"].as_str());
        Ok(CreatedThread { activity: id.and_then(|id| ActivityId::new(id).ok()) })
    }

    async fn create_thread_at(
        &self,
        url: &ServiceUrl,
        body: &Value,
    ) -> Result<Option<Value>, ConnectorError> {
        self.call(reqwest::Method::POST, url, &["v3", "conversations"], Some(body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::{EntraId, TenantId};

    #[test]
    fn copilot_conversations_have_copilot_channel_data() {
        let user = User::of_teams(TenantId::new("t").unwrap(), EntraId::new("e").unwrap());

        let chat = parameters(ConversationSurface::Chat, "28:me", &user);
        let copilot = parameters(ConversationSurface::Copilot, "28:me", &user);

        assert_eq!(chat["channelData"], json!({ "tenant": { "id": "t" } }));
        assert_eq!(
            (&copilot["tenantId"], &copilot["channelData"]["tenant"]["id"]),
            (&json!("t"), &json!("t"))
        );
        assert_eq!(copilot["channelData"]["productContext"], "Copilot");
        assert_eq!(copilot["channelData"]["conversation"]["conversationSubType"], "AgentProactive");
        assert!(copilot.get("activity").is_none());
        assert_eq!(ConversationSurface::named("copilot"), Some(ConversationSurface::Copilot));
        assert_eq!(ConversationSurface::named("teams"), None);
    }
}
