//! Builds the request of a row: a good request with the changes of the row, as the event of API Gateway. Members that a
//! row does not change stay valid, and the token is signed over the result.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use herald::clock::Clock;
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::TestClock;

use super::keys;
use super::placeholders::expand;
use super::row::Mutation;
use super::ssrf_listener::SsrfListener;

/// Registered app whose Entra tokens are accepted, where any are.
pub(super) const CALLER: &str = "0c1d2e3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f";

/// Values of a good request.
pub(super) struct RequestBuilder {
    pub(super) client_id: String,
    pub(super) tenant: String,
    pub(super) service_url: String,
    /// A good activity.
    pub(super) activity: Value,
    pub(super) clock: Arc<TestClock>,
    /// Listener that no request may reach.
    pub(super) listener: SsrfListener,
    pub(super) made: AtomicU64,
}

/// One request, ready to send.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) event: Value,
    /// Body before it was encoded.
    pub(super) body: Vec<u8>,
    pub(super) mutation: Mutation,
}

impl RequestBuilder {
    /// Returns the request that `mutation` describes.
    pub(super) fn request(&self, mutation: &Mutation) -> Request {
        let id = format!("f:{}", self.made.fetch_add(1, Ordering::Relaxed));
        let name = |name: &str| self.name(name, &id);
        let body = self.body(mutation, &name);
        let token = text(&self.token(mutation, &name));
        let in_header = |place: &str| match place {
            "token" => Some(token.clone().into_bytes()),
            other => name(other),
        };
        let header = |value: &str| text(&expand(value, &in_header));
        let authorization = header(mutation.authorization.as_deref().unwrap_or("Bearer <token>"));
        let path = header(mutation.path.as_deref().unwrap_or("/api/messages"));
        let method = mutation.method.clone().unwrap_or_else(|| "POST".to_owned());
        let (encoded, is_base64) = match (&mutation.base64, std::str::from_utf8(&body)) {
            (Some(encoded), _) if encoded == "<body>" => (STANDARD.encode(&body), true),
            (Some(encoded), _) => (text(&expand(encoded, &name)), true),
            (None, Ok(text)) => (text.to_owned(), false),
            (None, Err(_)) => (STANDARD.encode(&body), true),
        };
        let mut event = json!({
            "version": "2.0",
            "routeKey": "POST /api/messages",
            "rawPath": path,
            "rawQueryString": header(mutation.query.as_deref().unwrap_or_default()),
            "headers": {
                "authorization": authorization,
                "content-type": "application/json; charset=utf-8",
                "content-length": body.len().to_string(),
                "host": "herald.execute-api.us-east-1.amazonaws.com",
            },
            "requestContext": {
                "accountId": "000000000000",
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
                "stage": "$default",
            },
            "body": encoded,
            "isBase64Encoded": is_base64,
        });
        let headers = event["headers"].as_object_mut().unwrap();
        for (name, value) in &mutation.http {
            match value.as_str() {
                "absent" => drop(headers.remove(name)),
                value => drop(headers.insert(text(&expand(name, &in_header)), header(value).into())),
            }
        }
        if !mutation.event.is_empty() {
            event = serde_json::from_slice(&expand(&changed(event, &mutation.event), &in_header)).unwrap();
        }
        if let Some(other) = &mutation.event_text {
            event = serde_json::from_slice(&expand(other, &in_header)).unwrap();
        }
        Request { event, body, mutation: mutation.clone() }
    }

    fn body(&self, mutation: &Mutation, name: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<u8> {
        let mut changes = mutation.body.clone();
        if let Some(url) = &mutation.service_url {
            changes.insert("/serviceUrl".to_owned(), url.clone());
        }
        let activity = expand(&changed(self.activity.clone(), &changes), name);
        let Some(raw) = &mutation.raw else { return activity };
        expand(raw, &|place| members(place, &activity, "activity").or_else(|| name(place)))
    }

    fn token(&self, mutation: &Mutation, name: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<u8> {
        let from = mutation.from.as_deref().unwrap_or("channel");
        let signer = mutation.sign.as_deref();
        let signer = signer.unwrap_or(if from == "channel" { "RS256 channel" } else { "RS256 entra" });
        let (algorithm, key) = signer.split_once(' ').unwrap();
        let part = |good: Value, changes: &BTreeMap<String, String>, other: &Option<String>| {
            let pointers = changes.iter().map(|(name, value)| (format!("/{name}"), value.clone())).collect();
            let good = expand(&changed(good, &pointers), name);
            let bytes = match other {
                Some(other) => expand(other, &|place| members(place, &good, "good").or_else(|| name(place))),
                None => good,
            };
            URL_SAFE_NO_PAD.encode(bytes).into_bytes()
        };
        let head = json!({ "alg": algorithm, "kid": keys::id(key), "typ": "JWT" });
        let head = part(head, &mutation.jose, &mutation.jose_text);
        let mut changes = mutation.claims.clone();
        if let Some(url) = &mutation.service_url {
            changes.insert("serviceurl".to_owned(), url.clone());
        }
        let claims = part(self.claims(from), &changes, &mutation.claims_text);
        let places = |place: &str| match place {
            "head" => Some(head.clone()),
            "claims" => Some(claims.clone()),
            other => name(other),
        };
        let form = mutation.token.as_deref().unwrap_or("<head>.<claims>.<sig>");
        let Some((signed, rest)) = form.split_once(".<sig") else { return expand(form, &places) };
        let message = expand(signed, &places);
        let (how, rest) = rest.split_once('>').unwrap();
        let mut signature = keys::sign(algorithm, key, &message);
        match how {
            "" => {}
            ":flipped" => signature[100] ^= 1,
            ":truncated" => drop(signature.pop()),
            ":longer" => signature.push(0),
            ":other" => signature = keys::sign(algorithm, key, b"another message"),
            ":padded" => {
                let signature = base64::engine::general_purpose::URL_SAFE.encode(signature);
                return [&message, &b"."[..], signature.as_bytes(), &expand(rest, name)].concat();
            }
            // The unused bits of its last character differ.
            ":loose" => {
                let mut signature = URL_SAFE_NO_PAD.encode(signature);
                let last = match signature.pop().unwrap() {
                    'A' => 'B',
                    'Q' => 'R',
                    'g' => 'h',
                    _ => 'x',
                };
                return [&message, &b"."[..], format!("{signature}{last}").as_bytes()].concat();
            }
            other => panic!("no signature is made like {other}"),
        }
        let signature = URL_SAFE_NO_PAD.encode(signature);
        [&message, &b"."[..], signature.as_bytes(), &expand(rest, &places)].concat()
    }

    fn claims(&self, from: &str) -> Value {
        let now = self.clock.now().as_second();
        let mut claims =
            json!({ "aud": self.client_id, "nbf": now, "exp": now + 3600, "serviceurl": self.service_url });
        let more = match from {
            "channel" => json!({ "iss": "https://api.botframework.com" }),
            "entra v1" => json!({
                "iss": format!("https://sts.windows.net/{}/", self.tenant),
                "tid": self.tenant, "ver": "1.0", "appid": CALLER,
            }),
            "entra v2" => json!({
                "iss": format!("https://login.microsoftonline.com/{}/v2.0", self.tenant),
                "tid": self.tenant, "ver": "2.0", "azp": CALLER,
            }),
            other => panic!("unknown issuer: {other}"),
        };
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }

    fn name(&self, name: &str, id: &str) -> Option<Vec<u8>> {
        let seconds = |offset: &str| offset.parse::<i64>().ok();
        if let Some(offset) = name.strip_prefix("now") {
            let offset = if offset.is_empty() { 0 } else { seconds(offset)? };
            return Some((self.clock.now().as_second() + offset).to_string().into_bytes());
        }
        if let Some(offset) = name.strip_prefix("time") {
            return Some(
                (self.clock.now() + SignedDuration::from_secs(seconds(offset)?)).to_string().into_bytes(),
            );
        }
        let value = match name {
            "id" => id.to_owned(),
            "client_id" => self.client_id.clone(),
            "CLIENT_ID" => self.client_id.to_uppercase(),
            "tenant" => self.tenant.clone(),
            "TENANT" => self.tenant.to_uppercase(),
            "caller" => CALLER.to_owned(),
            "service_url" => self.service_url.clone(),
            "SERVICE_URL" => self.service_url.to_uppercase(),
            "trap" => self.listener.url(),
            _ => return None,
        };
        Some(value.into_bytes())
    }
}

/// Returns the good text for `<activity>` or `<good>`, and the text between its braces for `<members>`.
fn members(place: &str, good: &[u8], whole: &str) -> Option<Vec<u8>> {
    match place {
        "members" => Some(good[1..good.len() - 1].to_vec()),
        place if place == whole => Some(good.to_vec()),
        _ => None,
    }
}

/// Returns `good` as text, with raw JSON at some pointers. The replacement may be invalid JSON.
fn changed(mut good: Value, changes: &BTreeMap<String, String>) -> String {
    let mark = |index: usize| format!("@@{index}@@");
    for (index, (pointer, raw)) in changes.iter().enumerate() {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let member = member.replace("~1", "/").replace("~0", "~");
        let parent = good.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}"));
        let parent = parent.as_object_mut().unwrap_or_else(|| panic!("{pointer} is in no object"));
        match raw.as_str() {
            "absent" => drop(parent.remove(&member)),
            _ => drop(parent.insert(member, mark(index).into())),
        }
    }
    let text = good.to_string();
    changes
        .values()
        .enumerate()
        .fold(text, |text, (index, raw)| text.replace(&format!("\"{}\"", mark(index)), raw))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
