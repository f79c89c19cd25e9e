//! A double of Teams on loopback: connector, token endpoint, signing keys, people, and faults on demand.
//! It shares no wire type with the agent; JSON is all it knows.

mod activities;
mod connector;
mod conversations;
mod creation;
mod deliveries;
mod delivery;
mod directory;
mod error;
mod fault;
mod keys;
mod login;
mod people;
mod refusal;
mod router;
mod server;
mod stream;
#[cfg(test)]
mod tests;
mod transcript;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use herald::chance::Chance;
use herald::clock::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::deliveries::Deliveries;
pub use self::deliveries::Delivery;
pub use self::delivery::Answer;
use self::directory::Directory;
pub use self::error::ChannelError;
use self::fault::Script;
pub use self::fault::{Fault, Operation};
use self::keys::Keys;
pub use self::login::FederatedCredential;
use self::login::Logins;
pub use self::people::{Person, TeamChannel};
pub use self::refusal::Refusal;
use self::server::Server;
use self::transcript::Transcript;
pub use self::transcript::{Effect, TranscriptEntry};
use crate::fault_injection::{FaultInjector, Hook};

/// Who issues the channel's tokens.
const ISSUER: &str = "https://api.botframework.com";

/// What a connector token is asked for.
const SCOPE: &str = "https://api.botframework.com/.default";

/// What the channel is told about the agent, and its time and chance.
#[derive(Debug, Clone)]
pub struct ChannelOptions {
    /// The agent's registration.
    pub client_id: String,
    /// The only secret the token endpoint takes.
    pub client_secret: String,
    /// The tenant of the registration and of everybody in the channel.
    pub tenant: String,
    /// Dates tokens, ids and activities.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and tokens.
    pub chance: Chance,
}

/// A running channel. Clones are the same channel; it ends with [`Channel::stop`] or with the last of them.
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
///     chance: herald::chance::Chance::system(),
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
    state: Arc<State>,
    server: Arc<Server>,
}

/// What the handles and the server share.
#[derive(Debug)]
struct State {
    options: ChannelOptions,
    address: SocketAddr,
    /// Made for the first delivery.
    http: OnceLock<reqwest::Client>,
    endpoint: Mutex<Option<String>>,
    keys: Keys,
    logins: Logins,
    script: Script,
    wire: FaultInjector,
    transcript: Transcript,
    deliveries: Deliveries,
    directory: Mutex<Directory>,
}

impl Channel {
    /// Starts the channel on `listener`, within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the listener has no address, or no signing key can be made.
    pub fn start(listener: TcpListener, options: ChannelOptions) -> Result<Self, ChannelError> {
        let state = Arc::new(State {
            address: listener.local_addr().map_err(ChannelError::Listen)?,
            http: OnceLock::new(),
            endpoint: Mutex::default(),
            keys: Keys::generate()?,
            logins: Logins::default(),
            script: Script::default(),
            wire: FaultInjector::default(),
            transcript: Transcript::default(),
            deliveries: Deliveries::default(),
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

    /// The cloud that this channel is, as a value of `CLOUD`.
    #[must_use]
    pub fn cloud(&self) -> Value {
        let origin = self.state.origin();
        json!({
            "login": origin,
            "token_tenant": self.state.options.tenant,
            "scope": SCOPE,
            "issuer": ISSUER,
            "openid_metadata": format!("{origin}{}", keys::METADATA_PATH),
            "connector_hosts": [self.state.address.to_string()],
            "global_service_url": self.service_url(),
        })
    }

    /// The port on 127.0.0.1 that all of it is on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.state.address.port()
    }

    /// The service URL of every conversation of this channel.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.state.service_url()
    }

    /// Makes `fault` happen to the next connector call, after the faults scripted before it.
    pub fn fail(&self, fault: Fault) {
        self.state.script.add(None, fault);
    }

    /// Makes `fault` happen to the next call of one kind, after the faults scripted for it before.
    pub fn fail_on(&self, operation: Operation, fault: Fault) {
        self.state.script.add(Some(operation), fault);
    }

    /// Asks `hook` what becomes of every request from now on: for tests of crashes.
    pub fn on_request(&self, hook: Hook) {
        self.state.wire.ask(hook);
    }

    /// Answers every call in these conversations with `refusal` until then, e.g. in those of one tenant with a 429.
    pub fn throttle(&self, conversations: HashSet<String>, until: Timestamp, refusal: Refusal) {
        self.state.script.throttle(conversations, until, refusal);
    }

    /// Forgets the scripted faults that have not happened yet.
    pub fn forget_faults(&self) {
        self.state.script.clear();
    }

    /// How many scripted faults have not happened yet.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.state.script.len()
    }

    /// Every call of the agent to the connector, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<TranscriptEntry> {
        self.state.transcript.entries()
    }

    /// The text of every message the agent showed, first versions and updates alike, in order.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.state.transcript.texts()
    }

    /// Returns once the agent has shown at least `count` messages.
    pub async fn wait_for(&self, count: usize) {
        self.state.transcript.wait_for(count).await;
    }
}

impl State {
    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn service_url(&self) -> String {
        format!("{}/teams/", self.origin())
    }

    /// The agent's account, as Teams names it.
    fn agent_id(&self) -> String {
        format!("28:{}", self.options.client_id)
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }
}

/// A lock that outlives a panic of another test or request.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
