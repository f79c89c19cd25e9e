//! The state of a channel, which its handles and its server share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use herald::clock::Clock;
use herald::random::Random;

use super::deliveries::Deliveries;
use super::directory::{Directory, Place};
use super::fault::Script;
use super::http_client::HttpClient;
use super::lock::lock;
use super::person::Person;
use super::signing_keys::Keys;
use super::token_issuer::TokenIssuer;
use super::transcript::Transcript;
use crate::fault_injection::FaultInjector;

/// Who issues the channel's tokens.
pub(super) const ISSUER: &str = "https://api.botframework.com";

/// What a connector token is asked for.
pub(super) const SCOPE: &str = "https://api.botframework.com/.default";

/// The agent's registration, and the clock and randomness of the channel.
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
    pub random: Random,
}

/// What the handles and the server share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: ChannelOptions,
    pub(super) address: SocketAddr,
    pub(super) http: HttpClient,
    pub(super) endpoint: Mutex<Option<String>>,
    pub(super) keys: Keys,
    pub(super) tokens: TokenIssuer,
    pub(super) script: Script,
    pub(super) faults: FaultInjector,
    pub(super) transcript: Transcript,
    pub(super) deliveries: Deliveries,
    pub(super) directory: Mutex<Directory>,
}

impl State {
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn service_url(&self) -> String {
        format!("{}/teams/", self.origin())
    }

    /// The agent's account, as Teams names it.
    pub(super) fn agent_id(&self) -> String {
        format!("28:{}", self.options.client_id)
    }

    pub(super) fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    /// Characters that no other id has.
    pub(super) fn unique(&self) -> String {
        let count = self.directory().count();
        format!("{}{count:04x}", self.options.random.random_id())
    }

    pub(super) fn guid(&self) -> String {
        let token = self.options.random.random_id();
        let part = |from: usize, to: usize| token.get(from..to).unwrap_or_default();
        // Version 4 and its variant, as Entra's object ids have them.
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }

    /// The personal conversation of `person`, made when there is none.
    pub(super) fn personal(&self, directory: &mut Directory, person: &Person) -> String {
        directory.personal(&person.id).unwrap_or_else(|| {
            let id = format!("a:1{}{:04x}", self.options.random.random_id(), directory.count());
            directory.open(id.clone(), Place::Personal(person.id.clone()));
            id
        })
    }
}
