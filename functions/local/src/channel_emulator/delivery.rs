//! Delivers one activity to the endpoint of the agent, once, with a token of the channel.
//! Teams redelivers an activity that times out; here the caller decides.

use serde_json::Value;

use super::channel::Channel;
use super::delivery_log::{Answer, Delivery};
use super::error::ChannelError;
use super::lock::lock;

impl Channel {
    /// Sets the messaging endpoint of the agent, e.g. `http://127.0.0.1:3000/api/messages`.
    pub fn set_endpoint(&self, url: impl Into<String>) {
        *lock(&self.state.endpoint) = Some(url.into());
    }

    /// Returns the messaging endpoint of the agent.
    pub(crate) fn endpoint(&self) -> Option<String> {
        lock(&self.state.endpoint).clone()
    }

    /// Delivers `activity` as Teams does.
    ///
    /// # Errors
    ///
    /// There is no endpoint or HTTP client, no token could be signed, or there was no response; any status is a response.
    pub async fn deliver(&self, activity: Value) -> Result<Answer, ChannelError> {
        let token = self.sign_claims(&self.token_claims_for(&activity))?;
        self.deliver_with(activity, Some(token)).await
    }

    /// Delivers `activity` with any token, or with none.
    ///
    /// # Errors
    ///
    /// As [`Channel::deliver`].
    pub async fn deliver_with(
        &self,
        activity: Value,
        bearer: Option<String>,
    ) -> Result<Answer, ChannelError> {
        let at = self.state.options.clock.now();
        let number = self.state.exchanges.delivering(&at, &activity);
        let answer = self.post(&activity, bearer).await;
        let answered_at = self.state.options.clock.now();
        self.state.exchanges.delivered(number, &answered_at, &activity, answer.as_ref().ok());
        self.state.deliveries.add(at, activity, answer.as_ref().ok());
        answer
    }

    async fn post(&self, activity: &Value, bearer: Option<String>) -> Result<Answer, ChannelError> {
        let endpoint = lock(&self.state.endpoint).clone().ok_or(ChannelError::NoEndpoint)?;
        let mut request = self.state.http.get()?.post(endpoint).json(activity);
        let headers = [
            ("x-ms-conversation-id", &activity["conversation"]["id"]),
            ("x-ms-tenant-id", &activity["conversation"]["tenantId"]),
        ];
        for (name, value) in headers {
            if let Some(value) = value.as_str() {
                request = request.header(name, value);
            }
        }
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(ChannelError::NotDelivered)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(ChannelError::NotDelivered)?;
        Ok(Answer { status, body })
    }

    /// Returns the logged deliveries after the first `count`, oldest first, and the total number of deliveries.
    #[must_use]
    pub fn delivered_since(&self, count: usize) -> (Vec<Delivery>, usize) {
        self.state.deliveries.since(count)
    }
}
