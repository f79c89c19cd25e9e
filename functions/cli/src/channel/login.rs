//! The token endpoint (protocol §3.1, §3.4): client secrets for opaque tokens that are good for an hour.
//! It knows one registration in one tenant.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fault::{self, Fault, Operation};
use super::refusal::Refusal;
use super::router::{self, Response};
use super::server::HungUp;
use super::{Channel, SCOPE, State, lock};

/// How long a token is good.
const LIFE: SignedDuration = SignedDuration::from_secs(3600);

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(super) struct Logins {
    expiries: Mutex<HashMap<String, Timestamp>>,
    requests: AtomicU64,
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
pub(super) async fn answer(state: &State, tenant: &str, body: &[u8]) -> Result<Response, HungUp> {
    state.logins.requests.fetch_add(1, Ordering::Relaxed);
    let fault = state.script.next(Operation::Token);
    if let Some(Fault::Status(refusal)) = &fault {
        return Ok(refusal.response());
    }
    if let Err(refusal) = check(state, tenant, body) {
        return Ok(refusal.response());
    }
    let life = LIFE.as_secs();
    let token = state.logins.issue(state);
    let grant = json!({
        "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token,
    });
    fault::act_out(fault, router::json(200, &grant), &*state.options.clock).await
}

fn check(state: &State, tenant: &str, body: &[u8]) -> Result<(), Refusal> {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let refuse =
        |status, error, code, description: &str| Err(refusal(state, status, error, code, description));
    for name in ["grant_type", "client_id", "scope"] {
        if !form.contains_key(name) {
            let description = format!("The request body must contain the following parameter: '{name}'.");
            return refuse(400, "invalid_request", 900_144, &description);
        }
    }
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("grant_type", "client_credentials") {
        return refuse(400, "unsupported_grant_type", 70_003, "The app requested an unsupported grant type.");
    }
    if !tenant.eq_ignore_ascii_case(&state.options.tenant) {
        return refuse(400, "invalid_request", 90_002, &format!("Tenant '{tenant}' not found."));
    }
    if !form["client_id"].eq_ignore_ascii_case(&state.options.client_id) {
        return refuse(400, "unauthorized_client", 700_016, "Application was not found in the directory.");
    }
    if !is("scope", SCOPE) {
        return refuse(
            400,
            "invalid_resource",
            500_011,
            "The resource principal was not found in the tenant.",
        );
    }
    if !form.contains_key("client_secret") {
        let description = "The request body must contain 'client_assertion' or 'client_secret'.";
        return refuse(401, "invalid_client", 7_000_218, description);
    }
    if !is("client_secret", &state.options.client_secret) {
        return refuse(401, "invalid_client", 7_000_215, "Invalid client secret provided.");
    }
    Ok(())
}

fn refusal(state: &State, status: u16, error: &str, code: u32, description: &str) -> Refusal {
    let trace = state.options.chance.token();
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {description} Trace ID: {trace}"),
        "error_codes": [code],
        "timestamp": state.options.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        "trace_id": trace,
        "correlation_id": state.options.chance.token(),
        "error_uri": format!("{}/error?code={code}", state.origin()),
    });
    Refusal::raw(status, body.to_string())
}
