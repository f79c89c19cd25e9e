//! The shared state of the handles and the server of a channel.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use herald::clock::Clock;
use herald::random::Random;

use super::delivery_log::Deliveries;
use super::exchange_log::ExchangeLog;
use super::fault::{Fault, Script};
use super::http_client::HttpClient;
use super::lock::lock;
use super::persistent_state::{Directory, Place};
use super::person::Person;
use super::regions;
use super::signing_keys::Keys;
use super::token_issuer::TokenIssuer;
use super::transcript::{Transcript, TranscriptEntry};
use crate::fault_injection::FaultInjector;
use crate::own_origin::OwnOrigin;

/// Issuer of the tokens of the channel.
pub(super) const ISSUER: &str = "https://api.botframework.com";

/// Scope of a connector token.
pub(super) const SCOPE: &str = "https://api.botframework.com/.default";

/// The options of [`Channel::start`](super::Channel::start).
#[derive(Debug, Clone)]
pub struct ChannelOptions {
    /// The client id of the agent.
    pub client_id: String,
    /// The client secret of the agent.
    pub client_secret: String,
    /// The tenant of the registration and of all people.
    pub tenant: String,
    /// The clock for tokens, ids and activities.
    pub clock: Arc<dyn Clock>,
    /// Generates ids and tokens.
    pub random: Random,
}

/// The shared state of a channel.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: ChannelOptions,
    pub(super) address: SocketAddr,
    pub(super) own: OwnOrigin,
    pub(super) http: HttpClient,
    pub(super) endpoint: Mutex<Option<String>>,
    pub(super) keys: Keys,
    pub(super) tokens: TokenIssuer,
    pub(super) script: Script,
    pub(super) faults: FaultInjector,
    pub(super) transcript: Transcript,
    pub(super) deliveries: Deliveries,
    pub(super) exchanges: ExchangeLog,
    pub(super) directory: Mutex<Directory>,
}

impl State {
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn service_url(&self) -> String {
        self.service_url_in(regions::GLOBAL)
    }

    /// Returns the service URL of a region, e.g. `emea`, or `emea/` and a tenant id.
    pub(super) fn service_url_in(&self, region: &str) -> String {
        format!("{}/{region}/", self.origin())
    }

    /// Returns the service URL of a conversation: that of its region, else the global one.
    pub(super) fn service_url_of(&self, directory: &Directory, conversation: &str) -> String {
        let known = directory.conversations.get(conversation);
        self.service_url_in(known.and_then(|known| known.region.as_deref()).unwrap_or(regions::GLOBAL))
    }

    /// Whether `url` is a service URL of this channel.
    pub(super) fn is_service_url(&self, url: &str) -> bool {
        let path = url.strip_prefix(&self.origin()).and_then(|path| path.strip_prefix('/'));
        path.is_some_and(regions::is_service_path)
    }

    /// Returns the account of the agent, in the format of Teams.
    pub(super) fn agent_id(&self) -> String {
        format!("28:{}", self.options.client_id)
    }

    /// Records a call, with the fault that was injected into it.
    pub(super) fn record(&self, entry: TranscriptEntry, fault: Option<&Fault>) {
        self.exchanges.requested(&entry, fault.map(ToString::to_string).as_deref());
        self.transcript.add(entry);
    }

    pub(super) fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    /// Returns a unique suffix for ids.
    pub(super) fn unique(&self) -> String {
        let count = self.directory().count();
        format!("{}{count:04x}", self.options.random.random_id())
    }

    pub(super) fn guid(&self) -> String {
        let token = self.options.random.random_id();
        let part = |from: usize, to: usize| token.get(from..to).unwrap_or_default();
        // Version and variant of a random UUID, like an Entra object id.
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }

    /// Returns the personal conversation of `person`, and creates it if needed.
    pub(super) fn personal(&self, directory: &mut Directory, person: &Person) -> String {
        directory.personal(&person.id).unwrap_or_else(|| self.open_personal(directory, person))
    }

    /// Opens a personal conversation of `person`.
    pub(super) fn open_personal(&self, directory: &mut Directory, person: &Person) -> String {
        let id = format!("a:1{}{:04x}", self.options.random.random_id(), directory.count());
        directory.open(id.clone(), Place::Personal(person.id.clone()));
        id
    }
}
