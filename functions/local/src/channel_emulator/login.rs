//! The token endpoint (protocol §3.1, §3.4): secrets and assertions for opaque tokens that are good for an hour.
//! It knows one registration in one tenant.

mod assertion;
mod certificate;
mod federation;
mod refused;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use self::assertion::Assertion;
use self::certificate::Certificates;
pub use self::federation::FederatedCredential;
use self::federation::Federation;
use self::refused::Refused;
use super::fault::{self, Fault, Operation};
use super::router::{self, Response};
use super::{Channel, SCOPE, State, lock};
use crate::fault_injection::Disconnected;

/// How long a token is good.
const LIFE: SignedDuration = SignedDuration::from_secs(3600);

/// The tokens that were issued, and what of the registration may change while the channel runs.
#[derive(Debug, Default)]
pub(super) struct Logins {
    expiries: Mutex<HashMap<String, Timestamp>>,
    requests: AtomicU64,
    certificates: Certificates,
    federation: Federation,
}

impl Channel {
    /// How often the token endpoint was asked.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        self.state.logins.requests.load(Ordering::Relaxed)
    }

    /// Makes every token issued so far worthless.
    pub fn revoke_tokens(&self) {
        lock(&self.state.logins.expiries).clear();
    }
}

impl Logins {
    /// Whether the request bears a token that was issued here and has not ended.
    pub(super) fn admits(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| lock(&self.expiries).get(token).is_some_and(|expiry| now < *expiry))
    }

    fn issue(&self, state: &State) -> String {
        let token = format!("emulated.{}", state.options.chance.token());
        lock(&self.expiries).insert(token.clone(), state.options.clock.now() + LIFE);
        token
    }
}

/// Answers a token request.
pub(super) async fn answer(state: &State, tenant: &str, body: &[u8]) -> Result<Response, Disconnected> {
    state.logins.requests.fetch_add(1, Ordering::Relaxed);
    let fault = state.script.next(Operation::Token);
    if let Some(Fault::Status(refusal)) = &fault {
        return Ok(refusal.response());
    }
    if let Err(refused) = check(state, tenant, body).await {
        return Ok(refused.refusal(state).response());
    }
    let life = LIFE.as_secs();
    let token = state.logins.issue(state);
    let grant = json!({
        "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token,
    });
    fault::act_out(fault, router::json(200, &grant), &*state.options.clock).await
}

async fn check(state: &State, tenant: &str, body: &[u8]) -> Result<(), Refused> {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    for name in ["grant_type", "client_id", "scope"] {
        if !form.contains_key(name) {
            let description = format!("The request body must contain the following parameter: '{name}'.");
            return Err(Refused::new(400, "invalid_request", 900_144, description));
        }
    }
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("grant_type", "client_credentials") {
        let description = "The app requested an unsupported grant type.";
        return Err(Refused::new(400, "unsupported_grant_type", 70_003, description));
    }
    if !tenant.eq_ignore_ascii_case(&state.options.tenant) {
        let description = format!("Tenant '{tenant}' not found.");
        return Err(Refused::new(400, "invalid_request", 90_002, description));
    }
    if !form["client_id"].eq_ignore_ascii_case(&state.options.client_id) {
        let description = "Application was not found in the directory.";
        return Err(Refused::new(400, "unauthorized_client", 700_016, description));
    }
    if !is("scope", SCOPE) {
        let description = "The resource principal was not found in the tenant.";
        return Err(Refused::new(400, "invalid_resource", 500_011, description));
    }
    match (form.get("client_secret"), form.get("client_assertion")) {
        (Some(secret), _) if *secret == state.options.client_secret => Ok(()),
        (Some(_), _) => Err(Refused::client(7_000_215, "Invalid client secret provided.")),
        (None, Some(text)) if is("client_assertion_type", assertion::KIND) => {
            check_assertion(state, tenant, text).await
        }
        (None, _) => {
            let description = "The request body must contain 'client_assertion' or 'client_secret'.";
            Err(Refused::client(7_000_218, description))
        }
    }
}

async fn check_assertion(state: &State, tenant: &str, text: &str) -> Result<(), Refused> {
    let assertion = Assertion::parse(text)?;
    // Only an assertion of a certificate names one.
    if assertion.header.get("x5t#S256").is_some() {
        let token_url = format!("{}/{tenant}/oauth2/v2.0/token", state.origin());
        return state.logins.certificates.check(state, &assertion, &token_url);
    }
    state.logins.federation.check(state, &assertion).await
}
