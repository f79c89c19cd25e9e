//! Connector: client of the channel's REST API (docs/protocol.md §1).
//!
//! It sends each request once and returns the result; [`crate::jobs`] decides whether to send again.

mod create;
mod response;
mod roster;

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::create::{CreatedConversation, CreatedThread};
use crate::agent::turn::Turn;
use crate::channel::auth::{TokenError, TokenProvider};
use crate::protocol::activity::{Activity, ChannelAccount};
use crate::protocol::channel_error::ConnectorError;
use crate::protocol::cloud::Cloud;
use crate::protocol::conversation::{ConversationReference, ConversationSurface};
use crate::protocol::ids::{AccountId, ActivityId, ClientId};
use crate::protocol::service_url::ServiceUrl;

/// Client of the channel's REST API that sends as the agent.
///
/// # Examples
///
/// ```no_run
/// use herald::agent::turn::Turn;
/// use herald::channel::connector::Connector;
/// use herald::protocol::activity::Activity;
/// use herald::protocol::channel_error::ConnectorError;
/// use herald::protocol::conversation::{ConversationSurface, User};
///
/// async fn answer(connector: &Connector, turn: &Turn) -> Result<(), ConnectorError> {
///     let ack = connector.reply(turn, Activity::message("On it.")).await?;
///     connector.send(&turn.reference, Activity::message("Your report is ready.")).await?;
///     if let Some(id) = ack {
///         connector.update(&turn.reference, &id, Activity::message("Done.")).await?;
///     }
///     Ok(())
/// }
///
/// async fn greet(connector: &Connector, user: &User) -> Result<(), ConnectorError> {
///     let created = connector.create_conversation(user, ConversationSurface::Chat).await?;
///     println!("{} at {}", created.conversation, created.service_url);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Connector {
    /// HTTP client; see [`crate::channel::http::client`].
    pub http: reqwest::Client,
    /// Source of the bearer tokens.
    pub tokens: Arc<TokenProvider>,
    /// Cloud, which determines the hosts that may receive a token.
    pub cloud: Cloud,
    /// App registration of the agent.
    pub client_id: ClientId,
    /// Surface of the conversations that it creates.
    pub conversations: ConversationSurface,
    /// Time from which a rejected request is not sent a second time; `None` where the second one may take as long as it does.
    pub repeat_until: Option<Timestamp>,
}

/// Response with the id of the created resource; empty bodies are normal (docs/protocol.md §1.1).
#[derive(Deserialize, Default)]
struct Resource {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "serviceUrl")]
    service_url: Option<String>,
}

impl Connector {
    /// Sends `activity` to the conversation and returns its id, which the channel may omit.
    ///
    /// # Errors
    ///
    /// [`ConnectorError`]; [`ConnectorError::retry`] returns whether the activity may be sent again.
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

    /// Sends `activity` as a reply to a turn and returns its id, which the channel may omit.
    ///
    /// Teams needs only the conversation id; for other channels the path contains the id of the activity that is replied
    /// to (docs/protocol.md §7.3).
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

    /// Replaces the activity `id` with `activity`. Idempotent.
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

    /// Deletes the activity `id`. Idempotent.
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

    /// Returns the members of the conversation, as many as the channel returns without paging.
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
        members.ok_or_else(|| ConnectorError::ambiguous("response is not a list of members"))
    }

    /// Opens a connection to the service URL of the cloud, so that the first send does not wait for it.
    ///
    /// # Errors
    ///
    /// When the channel does not answer.
    pub async fn warm_up(&self) -> Result<(), reqwest::Error> {
        self.http.get(self.cloud.global_service_url.as_str()).send().await.map(drop)
    }

    /// Whether the channel answers requests in the conversation; shows nothing. Any answer counts but 408 and 5xx.
    pub async fn is_available(&self, reference: &ConversationReference) -> bool {
        let conversation = reference.conversation.id.as_str();
        let path = reference.service_url.join(&["v3", "conversations", conversation, "pagedmembers"]);
        let url = format!("{path}?pageSize=1");
        let page: Result<Option<Value>, _> =
            self.call_at(reqwest::Method::GET, &reference.service_url, &url, None).await;
        page.map_or_else(|error| error.is_answer(), |_| true)
    }

    /// Returns the account of the agent on `channel`.
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

    /// Sends one request to `url`, which is below `service`.
    ///
    /// A rejected token is replaced once (docs/protocol.md §1.8, 401), unless the bot is not registered.
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
            Err(ConnectorError::Unauthorized { code })
                if code.as_deref() != Some(response::NOT_REGISTERED) =>
            {
                self.tokens.invalidate(&token).await;
                self.check_repeat()?;
                let token = self.tokens.token().await.map_err(no_token)?;
                self.request(method, url, token.expose_secret(), body).await
            }
            outcome => outcome,
        }
    }

    /// Returns an error where there is no time to send a rejected request a second time. It is sent later instead: the first
    /// one showed nothing.
    ///
    /// # Errors
    ///
    /// [`ConnectorError::NotSent`].
    pub fn check_repeat(&self) -> Result<(), ConnectorError> {
        match self.repeat_until {
            Some(until) if self.tokens.now() >= until => {
                Err(ConnectorError::not_sent("no time is left for a second request"))
            }
            Some(_) | None => Ok(()),
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
        let answer = Box::pin(request.send()).await.map_err(response::transport_error)?;
        response::read(answer, self.tokens.now()).await
    }
}

fn no_token(error: TokenError) -> ConnectorError {
    ConnectorError::NoToken {
        is_systemic: error.is_systemic(),
        retry_after: error.retry_after(),
        cause: Box::new(error),
    }
}

impl Resource {
    /// Returns the id if it is plausible; the activity is visible in either case.
    fn activity_id(self) -> Option<ActivityId> {
        let is_plausible = |id: &String| !id.contains("../") && !id.contains(char::is_control);
        self.id.filter(is_plausible).and_then(|id| ActivityId::new(id).ok())
    }
}

/// Returns the activity with the fields that the channel requires of an agent (docs/protocol.md §5.2, §5.3).
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
