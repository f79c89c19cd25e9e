//! Baseline of the turn benchmark: a server that checks the token and makes the same two requests, and stores neither
//! queries nor answers. This is the minimal cost of a turn, not a usable implementation.

use std::sync::Arc;

use crate::messages;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use support::measure::{print, sign_in};
use tokio::net::TcpListener;

struct Bare {
    http: reqwest::Client,
    token: String,
    keys: JwkSet,
    rules: Validation,
}

/// Serves `/api/messages` on a free port, which it prints; `settings` name the channel and the registration of the
/// agent.
pub(crate) async fn serve(settings: &Value) {
    let setting = |name: &str| settings[name].as_str().unwrap().to_owned();
    let http = herald::channel::http::client().unwrap();
    let token = sign_in(&http, settings).await;
    let metadata: Value = http.get(setting("openid_metadata")).send().await.unwrap().json().await.unwrap();
    let keys = http.get(metadata["jwks_uri"].as_str().unwrap()).send().await.unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[setting("client_id")]);
    rules.set_issuer(&[setting("issuer")]);
    let bare = Arc::new(Bare { http, token, keys: keys.json().await.unwrap(), rules });

    let router = Router::new().route("/api/messages", post(take)).with_state(bare);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    print(&format!("{}", listener.local_addr().unwrap()));
    axum::serve(listener, router).await.unwrap();
}

/// Handles the request and sends both messages before it responds.
async fn take(State(bare): State<Arc<Bare>>, headers: HeaderMap, Json(activity): Json<Value>) -> StatusCode {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(true) = token.map(|token| bare.knows(token)) else { return StatusCode::UNAUTHORIZED };
    let item = messages::item_of(activity["text"].as_str().unwrap_or_default());
    let ack = json!({ "type": "message", "text": messages::ack(item), "replyToId": activity["id"] });
    bare.print(&activity, ack).await;
    let card = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": messages::card(item),
    });
    let placed = json!({ "type": "message", "text": messages::placed(item), "attachments": [card] });
    bare.print(&activity, placed).await;
    StatusCode::ACCEPTED
}

impl Bare {
    fn knows(&self, token: &str) -> bool {
        let header = jsonwebtoken::decode_header(token).ok();
        let key = header.and_then(|header| self.keys.find(&header.kid?));
        let key = key.and_then(|key| DecodingKey::from_jwk(key).ok());
        key.is_some_and(|key| jsonwebtoken::decode::<Value>(token, &key, &self.rules).is_ok())
    }

    async fn print(&self, answered: &Value, mut activity: Value) {
        activity["from"] = answered["recipient"].clone();
        activity["recipient"] = answered["from"].clone();
        activity["conversation"] = answered["conversation"].clone();
        let service_url = answered["serviceUrl"].as_str().unwrap_or_default();
        let conversation = answered["conversation"]["id"].as_str().unwrap_or_default();
        let url = format!("{service_url}v3/conversations/{conversation}/activities");
        let sent = self.http.post(url).bearer_auth(&self.token).json(&activity).send().await;
        sent.and_then(reqwest::Response::error_for_status).unwrap();
    }
}
