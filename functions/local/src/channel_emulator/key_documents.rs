//! The documents that publish the signing keys (docs/protocol.md §4.1): OpenID metadata and key set.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::fault::{self, Operation};
use super::lock::lock;
use super::response::{self, Response};
use super::state::{ISSUER, State};
use crate::fault_injection::Disconnected;
use crate::signing_key::SigningKey;

/// Path of the OpenID metadata.
pub(super) const METADATA_PATH: &str = "/v1/.well-known/openidconfiguration";

/// The channels that the keys are endorsed for.
const ENDORSEMENTS: [&str; 3] = ["msteams", "webchat", "directline"];

/// Returns the OpenID metadata.
pub(super) async fn answer_metadata(state: &State) -> Result<Response, Disconnected> {
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://invalid.botframework.com",
        "jwks_uri": format!("{}/v1/.well-known/keys", state.origin()),
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    });
    publish(state, &document).await
}

/// Returns the key set.
pub(super) async fn answer_keys(state: &State) -> Result<Response, Disconnected> {
    state.keys.fetches.fetch_add(1, Ordering::Relaxed);
    let mut keys: Vec<Value> = lock(&state.keys.pairs).iter().map(|key| published(key)).collect();
    keys.extend(lock(&state.keys.foreign).iter().cloned());
    publish(state, &json!({ "keys": keys })).await
}

async fn publish(state: &State, document: &Value) -> Result<Response, Disconnected> {
    let fault = state.script.next(Operation::Keys);
    fault::act_out(fault, response::json(200, document), &*state.options.clock).await
}

/// Returns the key as a member of the key set.
fn published(key: &SigningKey) -> Value {
    let mut public = key.public().clone();
    public["x5t"] = json!(key.id());
    public["endorsements"] = json!(ENDORSEMENTS);
    public
}
