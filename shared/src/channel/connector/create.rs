//! Making conversations: what the channel is asked for (protocol §1.2, §7.1).
//! A personal one may be asked for again and again; a thread is another one each time.

use serde_json::{Value, json};

use super::Connector;
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::ConnectorError;
use crate::protocol::conversation::User;
use crate::protocol::ids::{ActivityId, ConversationId};
use crate::protocol::service_url::ServiceUrl;
use crate::protocol::team::TeamChannel;

/// Where the conversations begin that the agent makes with people it has none with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConversationSurface {
    /// In the chat with the agent.
    #[default]
    Chat,
    /// In Microsoft 365 Copilot, as a conversation of the agent's own (protocol §7.1).
    Copilot,
}

/// A conversation the channel created, or had already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The conversation.
    pub conversation: ConversationId,
    /// Where its connector answers.
    pub service_url: ServiceUrl,
}

/// A thread that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedThread {
    /// Its first activity, where the channel told.
    pub activity: Option<ActivityId>,
}

impl ConversationSurface {
    /// The form with this name in the configuration.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "chat" => Some(Self::Chat),
            "copilot" => Some(Self::Copilot),
            _ => None,
        }
    }

    /// What is asked for to have a conversation with `user`: no activity, and the tenant in both places the channel may
    /// look for it.
    pub(super) fn parameters(self, agent: &str, user: &User) -> Value {
        let mut channel_data = json!({ "tenant": { "id": user.tenant } });
        if self == Self::Copilot {
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
        match (created, self.cloud.other_service_url(url)) {
            (Err(error), Some(other)) if error.is_wrong_host() => self.create_at(other, user).await,
            (created, _) => created,
        }
    }

    async fn create_at(&self, url: &ServiceUrl, user: &User) -> Result<Created, ConnectorError> {
        let body = self.conversations.parameters(&self.account(user.channel.as_str()), user);
        let resource = self.post(url, &["v3", "conversations"], &body).await?;
        let id = resource.id.and_then(|id| ConversationId::new(id).ok());
        let conversation = id.ok_or_else(|| ConnectorError::ambiguous("the answer names no conversation"))?;
        let service_url = match resource.service_url.as_deref().map(ServiceUrl::new) {
            Some(Ok(theirs)) if self.cloud.allows_host(&theirs) => theirs,
            _ => url.clone(),
        };
        Ok(Created { conversation, service_url })
    }

    /// Begins a thread in `channel` with `activity`. Each call begins another.
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
        let begun = match (self.begin_at(url, &body).await, self.cloud.other_service_url(url)) {
            (Err(error), Some(other)) if error.is_wrong_host() => self.begin_at(other, &body).await,
            (begun, _) => begun,
        }?;
        let id = begun.as_ref().and_then(|begun| begun["activityId"].as_str());
        Ok(CreatedThread { activity: id.and_then(|id| ActivityId::new(id).ok()) })
    }

    async fn begin_at(&self, url: &ServiceUrl, body: &Value) -> Result<Option<Value>, ConnectorError> {
        self.call(reqwest::Method::POST, url, &["v3", "conversations"], Some(body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::{EntraId, TenantId};

    #[test]
    fn a_conversation_in_copilot_is_asked_for_as_one() {
        let user = User::of_teams(TenantId::new("t").unwrap(), EntraId::new("e").unwrap());

        let chat = ConversationSurface::Chat.parameters("28:me", &user);
        let copilot = ConversationSurface::Copilot.parameters("28:me", &user);

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
