//! The connector: the client of the channel's REST API (protocol §1).
//! It sends once and says what happened; whether to send again is the ledger's decision.

mod create;
mod response;
mod roster;

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::create::{ConversationSurface, Created, CreatedThread};
use crate::agent::turn::Turn;
use crate::channel::auth::{TokenError, TokenProvider};
use crate::protocol::activity::{Activity, ChannelAccount};
use crate::protocol::channel_error::ConnectorError;
use crate::protocol::cloud::Cloud;
use crate::protocol::conversation::ConversationReference;
use crate::protocol::ids::{AccountId, ActivityId, ClientId};
use crate::protocol::service_url::ServiceUrl;

/// Speaks to the channel as the agent.
#[derive(Debug)]
pub struct Connector {
    /// Makes the requests; see [`crate::channel::http::client`].
    pub http: reqwest::Client,
    /// Gives the bearer tokens.
    pub tokens: TokenProvider,
    /// Says which hosts may be given one.
    pub cloud: Cloud,
    /// The agent's registration.
    pub client_id: ClientId,
    /// Where the conversations begin that it makes.
    pub conversations: ConversationSurface,
}

/// An answer that names what it made; empty bodies are normal (protocol §1.1).
#[derive(Deserialize, Default)]
struct Resource {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "serviceUrl")]
    service_url: Option<String>,
}

impl Connector {
    /// Sends `activity` to the conversation. The channel does not always tell the id of what it shows.
    ///
    /// # Errors
    ///
    /// [`ConnectorError`]; [`ConnectorError::retry`] says whether the activity may be sent again.
    pub async fn send(
        &self,
        reference: &ConversationReference,
        activity: Activity,
    ) -> Result<Option<ActivityId>, ConnectorError> {
        let path = ["v3", "conversations", reference.conversation.id.as_str(), "activities"];
        let body = addressed(reference, activity);
        let resource = self.post(&reference.service_url, &path, &body).await?;
        Ok(resource.activity_id())
    }

    /// Sends `activity` as an answer to a turn.
    ///
    /// On Teams the conversation's id alone places it, so it is sent like any other; other channels are
    /// told in the path which activity it answers (protocol §7.3, §12 [X 16]).
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn reply(&self, turn: &Turn, activity: Activity) -> Result<Option<ActivityId>, ConnectorError> {
        let reference = &turn.reference;
        let answered = turn.activity.id.as_ref();
        let activity = Activity { reply_to_id: answered.cloned(), ..activity };
        let Some(answered) = answered.filter(|_| reference.channel_id.as_str() != "msteams") else {
            return self.send(reference, activity).await;
        };
        let conversation = reference.conversation.id.as_str();
        let path = ["v3", "conversations", conversation, "activities", answered.as_str()];
        let body = addressed(reference, activity);
        let resource = self.post(&reference.service_url, &path, &body).await?;
        Ok(resource.activity_id())
    }

    /// Replaces the activity `id` with `activity`. May be repeated freely.
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn update(
        &self,
        reference: &ConversationReference,
        id: &ActivityId,
        activity: Activity,
    ) -> Result<(), ConnectorError> {
        let path = ["v3", "conversations", reference.conversation.id.as_str(), "activities", id.as_str()];
        let body = Activity { id: Some(id.clone()), ..addressed(reference, activity) };
        let body = serde_json::to_value(&body).map_err(ConnectorError::not_sent)?;
        let _: Option<Resource> =
            self.call(reqwest::Method::PUT, &reference.service_url, &path, Some(&body)).await?;
        Ok(())
    }

    /// Deletes the activity `id`. May be repeated freely.
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn delete(
        &self,
        reference: &ConversationReference,
        id: &ActivityId,
    ) -> Result<(), ConnectorError> {
        let path = ["v3", "conversations", reference.conversation.id.as_str(), "activities", id.as_str()];
        let _: Option<Resource> =
            self.call(reqwest::Method::DELETE, &reference.service_url, &path, None).await?;
        Ok(())
    }

    /// The members of the conversation, as many as the channel gives at once.
    ///
    /// # Errors
    ///
    /// As [`Connector::send`].
    pub async fn members(
        &self,
        reference: &ConversationReference,
    ) -> Result<Vec<ChannelAccount>, ConnectorError> {
        let path = ["v3", "conversations", reference.conversation.id.as_str(), "members"];
        let members = self.call(reqwest::Method::GET, &reference.service_url, &path, None).await?;
        members.ok_or_else(|| ConnectorError::ambiguous("the answer is not a list of members"))
    }

    /// The agent's account on `channel`.
    #[must_use]
    pub fn agent_account(&self, channel: &str) -> Option<ChannelAccount> {
        AccountId::new(self.account(channel)).ok().map(ChannelAccount::new)
    }

    fn account(&self, channel: &str) -> String {
        match channel {
            "msteams" => format!("28:{}", self.client_id),
            _ => self.client_id.to_string(),
        }
    }

    async fn post(
        &self,
        url: &ServiceUrl,
        path: &[&str],
        body: &impl serde::Serialize,
    ) -> Result<Resource, ConnectorError> {
        let body = serde_json::to_value(body).map_err(ConnectorError::not_sent)?;
        Ok(self.call(reqwest::Method::POST, url, path, Some(&body)).await?.unwrap_or_default())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        service: &ServiceUrl,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Option<T>, ConnectorError> {
        self.call_at(method, service, &service.join(path), body).await
    }

    /// One request to `url`, which is below `service`; a refused token is replaced once (protocol §1.8, 401), but not
    /// where no token would help.
    async fn call_at<T: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        service: &ServiceUrl,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Option<T>, ConnectorError> {
        if !self.cloud.allows_host(service) {
            return Err(ConnectorError::ForeignHost);
        }
        let token = self.tokens.token().await.map_err(no_token)?;
        match self.request(method.clone(), url, token.expose_secret(), body).await {
            Err(ConnectorError::Unauthorized { code }) if code.as_deref() != Some("BotNotRegistered") => {
                self.tokens.invalidate(&token).await;
                let token = self.tokens.token().await.map_err(no_token)?;
                self.request(method, url, token.expose_secret(), body).await
            }
            outcome => outcome,
        }
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        url: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Option<T>, ConnectorError> {
        let request = self.http.request(method, url).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.map_err(response::transport_error)?;
        response::read(answer).await
    }
}

fn no_token(error: TokenError) -> ConnectorError {
    ConnectorError::NoToken { is_systemic: error.is_systemic(), cause: Box::new(error) }
}

impl Resource {
    /// The id, where it is one; what is shown is shown either way.
    fn activity_id(self) -> Option<ActivityId> {
        let is_plausible = |id: &String| !id.contains("../") && !id.contains(char::is_control);
        self.id.filter(is_plausible).and_then(|id| ActivityId::new(id).ok())
    }
}

/// The activity as the channel wants it from an agent (protocol §5.2, §5.3).
fn addressed(reference: &ConversationReference, activity: Activity) -> Activity {
    Activity {
        id: None,
        timestamp: None,
        service_url: None,
        channel_id: Some(reference.channel_id.clone()),
        from: Some(reference.agent.clone()),
        recipient: reference.user.clone(),
        conversation: Some(reference.conversation.clone()),
        locale: activity.locale.clone().or_else(|| reference.locale.clone()),
        ..activity
    }
}
