//! The token endpoint (docs/protocol.md §3.1, §3.4): exchanges secrets and assertions for opaque tokens that are valid for an hour.
//! It has one registration in one tenant.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::fault::{self, Fault, Operation};
use super::refusal::Refusal;
use super::response::{self, Response};
use super::state::{SCOPE, State};
use super::token_issuer::{Assertion, KIND, LIFE, TokenError};
use crate::fault_injection::Disconnected;

/// Handles a token request.
pub(super) async fn answer(state: &State, tenant: &str, body: &[u8]) -> Result<Response, Disconnected> {
    state.tokens.requests.fetch_add(1, Ordering::Relaxed);
    let fault = state.script.next(Operation::Token);
    if let Some(Fault::Status(refusal)) = &fault {
        let now = state.options.clock.now();
        state.exchanges.note(&now, &format!("The token endpoint answered {}.", refusal.status));
        return Ok(refusal.response());
    }
    if let Err(error) = check(state, tenant, body).await {
        return Ok(refusal(state, &error).response());
    }
    let life = LIFE.as_secs();
    let now = state.options.clock.now();
    let token = format!("emulated.{}", state.options.random.random_id());
    state.tokens.issue(token.clone(), now);
    let grant = json!({
        "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token,
    });
    fault::act_out(fault, response::json(200, &grant), &*state.options.clock).await
}

async fn check(state: &State, tenant: &str, body: &[u8]) -> Result<(), TokenError> {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    for name in ["grant_type", "client_id", "scope"] {
        if !form.contains_key(name) {
            let description = format!("The request body must contain the following parameter: '{name}'.");
            return Err(TokenError::new(400, "invalid_request", 900_144, description));
        }
    }
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("grant_type", "client_credentials") {
        let description = "The app requested an unsupported grant type.";
        return Err(TokenError::new(400, "unsupported_grant_type", 70_003, description));
    }
    if !tenant.eq_ignore_ascii_case(&state.options.tenant) {
        let description = format!("Tenant '{tenant}' not found.");
        return Err(TokenError::new(400, "invalid_request", 90_002, description));
    }
    if !form["client_id"].eq_ignore_ascii_case(&state.options.client_id) {
        let description = "Application was not found in the directory.";
        return Err(TokenError::new(400, "unauthorized_client", 700_016, description));
    }
    if !is("scope", SCOPE) {
        let description = "The resource principal was not found in the tenant.";
        return Err(TokenError::new(400, "invalid_resource", 500_011, description));
    }
    match (form.get("client_secret"), form.get("client_assertion")) {
        (Some(secret), _) if *secret == state.options.client_secret => Ok(()),
        (Some(_), _) => Err(TokenError::client(7_000_215, "Invalid client secret provided.")),
        (None, Some(text)) if is("client_assertion_type", KIND) => check_assertion(state, tenant, text).await,
        (None, _) => {
            let description = "The request body must contain 'client_assertion' or 'client_secret'.";
            Err(TokenError::client(7_000_218, description))
        }
    }
}

async fn check_assertion(state: &State, tenant: &str, text: &str) -> Result<(), TokenError> {
    let assertion = Assertion::parse(text)?;
    // Only an assertion of a certificate has a thumbprint.
    if assertion.header.get("x5t#S256").is_some() {
        let token_url = format!("{}/{tenant}/oauth2/v2.0/token", state.origin());
        let now = state.options.clock.now();
        return state.tokens.certificates.check(&state.options.client_id, now, &assertion, &token_url);
    }
    state.tokens.federation.check(&state.http, &*state.options.clock, &assertion).await
}

/// Returns the response for `error`, with new ids.
fn refusal(state: &State, error: &TokenError) -> Refusal {
    let ids = [state.options.random.random_id(), state.options.random.random_id()];
    Refusal::raw(error.status(), error.body(state.options.clock.now(), ids, &state.origin()).to_string())
}
