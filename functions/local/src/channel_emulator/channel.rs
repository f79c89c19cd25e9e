//! The handle of a running channel: starts and stops it, injects faults, and returns the calls of the agent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::delivery_log::Deliveries;
use super::error::ChannelError;
use super::exchange_log::ExchangeLog;
use super::fault::{Fault, Operation, Script};
use super::http_client::HttpClient;
use super::key_documents::METADATA_PATH;
use super::persistent_state::Directory;
use super::refusal::Refusal;
use super::server::Server;
use super::signing_keys::Keys;
use super::state::{ChannelOptions, ISSUER, SCOPE, State};
use super::token_issuer::TokenIssuer;
use super::transcript::{Transcript, TranscriptEntry};
use crate::fault_injection::{FaultInjector, Hook};
use crate::own_origin::OwnOrigin;

/// A running channel. Clones share it; it ends with [`Channel::stop`] or with its last clone.
///
/// ```
/// # use std::sync::Arc;
/// # use local::channel_emulator::{Channel, ChannelOptions};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let channel = Channel::start(listener, ChannelOptions {
///     client_id: "7a5f0a6c-6d0c-4f3a-8f0e-3b5b6d5d9c11".to_owned(),
///     client_secret: "secret".to_owned(),
///     tenant: "0f3e6c1e-52a7-4c4b-9a26-0f5d5f3f7a10".to_owned(),
///     clock: Arc::new(herald::clock::SystemClock),
///     random: herald::random::Random::system(),
/// })?;
///
/// let ada = channel.add_person("Ada");
/// let activity = channel.message(&ada, "order a laptop");
///
/// assert_eq!(activity["from"]["id"], ada.id);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Channel {
    pub(super) state: Arc<State>,
    server: Arc<Server>,
}

impl Channel {
    /// Starts the channel on `listener`, within a tokio runtime.
    ///
    /// # Errors
    ///
    /// The listener has no address, or no signing key can be generated.
    pub fn start(listener: TcpListener, options: ChannelOptions) -> Result<Self, ChannelError> {
        let address = listener.local_addr().map_err(ChannelError::Listen)?;
        let state = Arc::new(State {
            address,
            own: OwnOrigin::at(address.port()),
            http: HttpClient::default(),
            endpoint: Mutex::default(),
            keys: Keys::generate()?,
            tokens: TokenIssuer::default(),
            script: Script::default(),
            faults: FaultInjector::default(),
            transcript: Transcript::default(),
            deliveries: Deliveries::default(),
            exchanges: ExchangeLog::default(),
            directory: Mutex::default(),
            options,
        });
        let server = Arc::new(Server::start(listener, Arc::clone(&state)));
        Ok(Self { state, server })
    }

    /// Closes the listener and every connection, and returns once they are closed.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// Returns the value of `CLOUD` for this channel.
    #[must_use]
    pub fn cloud(&self) -> Value {
        let origin = self.state.origin();
        json!({
            "login": origin,
            "token_tenant": self.state.options.tenant,
            "scope": SCOPE,
            "issuer": ISSUER,
            "openid_metadata": format!("{origin}{}", METADATA_PATH),
            "connector_hosts": [self.state.address.to_string()],
            "global_service_url": self.service_url(),
        })
    }

    /// Returns the port of the channel on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.state.address.port()
    }

    /// Returns the service URL of the channel.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.state.service_url()
    }

    /// Returns the origin of the connector.
    pub(crate) fn origin(&self) -> String {
        self.state.origin()
    }

    /// Injects `fault` into the next connector call, after the faults scripted before it.
    pub fn fail(&self, fault: Fault) {
        self.state.script.add(None, fault);
    }

    /// Injects `fault` into the next call of `operation`, after the faults scripted for it before.
    pub fn fail_on(&self, operation: Operation, fault: Fault) {
        self.state.script.add(Some(operation), fault);
    }

    /// Installs `hook`, which decides the fate of every later request, for tests of crashes.
    pub fn on_request(&self, hook: Hook) {
        self.state.faults.set_hook(hook);
    }

    /// Rejects every call in these conversations with `refusal` until then, e.g. those of one tenant with a 429.
    pub fn throttle(&self, conversations: HashSet<String>, until: Timestamp, refusal: Refusal) {
        self.state.script.throttle(conversations, until, refusal);
    }

    /// Rejects every call whose path starts with `prefix`, e.g. those to a region, `/jp/`, with `refusal`.
    pub fn refuse_path(&self, prefix: &str, refusal: Refusal) {
        self.state.script.refuse_path(prefix.to_owned(), refusal);
    }

    /// Removes the pending faults.
    pub fn forget_faults(&self) {
        self.state.script.clear();
    }

    /// Returns the number of pending faults.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.state.script.len()
    }

    /// Returns every call of the agent to the connector, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<TranscriptEntry> {
        self.state.transcript.entries()
    }

    /// Returns the text of every message and update of the agent, in order.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.state.transcript.texts()
    }

    /// Waits until the agent has sent at least `count` messages.
    pub async fn wait_for(&self, count: usize) {
        self.state.transcript.wait_for(count).await;
    }

    /// Waits until a request took effect and lost its reply or has it suspended, as the hook decided.
    pub async fn reply_lost(&self) {
        self.state.faults.reply_lost().await;
    }

    /// Resumes the request that the hook suspended.
    pub fn resume(&self) {
        self.state.faults.resume();
    }

    /// Returns people, conversations and ids, for [`Channel::restore`].
    #[must_use]
    pub fn snapshot(&self) -> Value {
        serde_json::to_value(&*self.state.directory()).unwrap_or_default()
    }

    /// Restores the snapshot of an earlier channel.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Restore`]; the channel is unchanged.
    pub fn restore(&self, snapshot: &Value) -> Result<(), ChannelError> {
        let restored = Directory::deserialize(snapshot).map_err(ChannelError::Restore)?;
        *self.state.directory() = restored;
        Ok(())
    }
}
