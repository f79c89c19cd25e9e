//! Tests of the channel emulator itself, through the HTTP client that the agent uses.

mod documented;
mod origins;
mod places;
mod regions;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use herald::clock::{Clock, SystemClock};
use herald::random::Random;
use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::lock::lock;
use super::*;

const CLIENT: &str = "7a5f0a6c-6d0c-4f3a-8f0e-3b5b6d5d9c11";
const TENANT: &str = "0f3e6c1e-52a7-4c4b-9a26-0f5d5f3f7a10";

/// A channel, a person and an agent with a token.
struct Scene {
    channel: Channel,
    ada: Person,
    http: reqwest::Client,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        Self::at(Arc::new(SystemClock)).await
    }

    async fn at(clock: Arc<dyn Clock>) -> Self {
        let channel = start(clock).await;
        let ada = channel.add_person("Ada Lovelace");
        let http = reqwest::Client::new();
        let grant: Value = ask(&http, &channel, &good_form()).await.json().await.unwrap();
        let token = grant["access_token"].as_str().unwrap().to_owned();
        Self { channel, ada, http, token }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> reqwest::Result<Response> {
        let url = format!("{}v3/conversations{path}", self.channel.service_url());
        self.http.request(method, url).bearer_auth(&self.token).json(&body).send().await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.call(Method::POST, path, body).await.unwrap()).await
    }

    async fn send(&self, text: &str) -> reqwest::Result<Response> {
        let path = format!("/{}/activities", self.channel.personal_conversation(&self.ada));
        self.call(Method::POST, &path, json!({ "type": "message", "text": text })).await
    }
}

/// A clock that stands where it is set.
#[derive(Debug)]
struct SetClock(Mutex<Timestamp>);

impl SetClock {
    fn set(&self, at: &str) {
        *lock(&self.0) = at.parse().unwrap();
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }

    fn sleep<'a, 'b>(&'a self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

async fn start(clock: Arc<dyn Clock>) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = ChannelOptions {
        client_id: CLIENT.to_owned(),
        client_secret: "s3cret".to_owned(),
        tenant: TENANT.to_owned(),
        clock,
        random: Random::seeded(1),
    };
    Channel::start(listener, options).unwrap()
}

fn good_form() -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", "s3cret"),
        ("scope", "https://api.botframework.com/.default"),
    ]
}

async fn ask(http: &reqwest::Client, channel: &Channel, form: &[(&str, &str)]) -> Response {
    let login = channel.cloud()["login"].as_str().unwrap().to_owned();
    http.post(format!("{login}/{TENANT}/oauth2/v2.0/token")).form(form).send().await.unwrap()
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn invalid_token_request_has_the_error_of_entra() {
    let channel = start(Arc::new(SystemClock)).await;
    let http = reqwest::Client::new();
    let cases = [
        ("client_secret", Some("wrong"), 7_000_215),
        ("client_secret", None, 7_000_218),
        ("client_id", Some("another"), 700_016),
        ("client_id", None, 900_144),
        ("scope", Some("https://graph.microsoft.com/.default"), 500_011),
    ];

    for (name, value, code) in cases {
        let mut form = good_form();
        form.retain(|(given, _)| *given != name);
        form.extend(value.map(|value| (name, value)));
        let (status, body) = read(ask(&http, &channel, &form).await).await;
        assert!(status == 400 || status == 401, "{name}: {status}");
        assert_eq!(body["error_codes"], json!([code]), "{name}");
    }
    assert_eq!(channel.token_requests(), 5);
}

#[tokio::test]
async fn personal_conversation_is_created_once() {
    let scene = Scene::new().await;
    let by = |id: &str| json!({ "isGroup": false, "members": [{ "id": id }], "tenantId": TENANT });

    let (status, first) = scene.post("", by(&scene.ada.id)).await;
    let (_, second) = scene.post("", by(&scene.ada.entra_id)).await;
    let (alone, _) = scene.post("", json!({ "members": [{ "id": scene.ada.id }] })).await;

    assert_eq!((status, alone), (201, 401));
    assert!(first["id"].as_str().unwrap().starts_with("a:"));
    assert_eq!(first, second);
    assert!(scene.channel.texts().is_empty());
}

#[tokio::test]
async fn thread_needs_its_first_activity() {
    let scene = Scene::new().await;
    let room = scene.channel.add_channel("Procurement", "Orders");
    let mut parameters =
        json!({ "isGroup": true, "tenantId": TENANT, "channelData": { "channel": { "id": room.id } } });

    let without = scene.post("", parameters.clone()).await;
    parameters["activity"] = json!({ "type": "message", "text": "News" });
    let (status, created) = scene.post("", parameters).await;

    assert_eq!((without.0, &without.1["error"]["code"]), (400, &json!("BadSyntax")));
    let root = created["activityId"].as_str().unwrap();
    assert_eq!((status, created["id"].as_str().unwrap()), (201, &*format!("{};messageid={root}", room.id)));
    assert_eq!(scene.channel.texts(), ["News"]);
}

#[tokio::test]
async fn activity_is_sent_updated_and_deleted_under_an_encoded_path() {
    let scene = Scene::new().await;
    let room = scene.channel.add_channel("Procurement", "Orders");
    let mention = scene.channel.mention(&scene.ada, &room, "order a laptop");
    let thread = mention["conversation"]["id"].as_str().unwrap();
    let encoded: String = url::form_urlencoded::byte_serialize(thread.as_bytes()).collect();
    let path = format!("/{encoded}/activities");

    let (status, sent) = scene.post(&path, json!({ "type": "message", "text": "On it." })).await;
    let one = format!("{path}/{}", sent["id"].as_str().unwrap());
    let done = scene.call(Method::PUT, &one, json!({ "type": "message", "text": "Done." })).await.unwrap();
    let gone = scene.call(Method::DELETE, &one, Value::Null).await.unwrap();
    let again = read(scene.call(Method::DELETE, &one, Value::Null).await.unwrap()).await;

    assert_eq!((status, done.status().as_u16(), gone.status().as_u16(), again.0), (201, 200, 200, 404));
    assert_eq!(again.1["error"]["code"], "ActivityNotFoundInConversation");
    assert_eq!(scene.channel.texts(), ["On it.", "Done."]);
    let entry = &scene.channel.entries()[0];
    assert_eq!(entry.path, format!("/teams/v3/conversations{path}"));
    assert_eq!(entry.conversation.as_deref(), Some(thread));
}

#[tokio::test]
async fn members_are_paged_and_found_by_either_id() {
    let scene = Scene::new().await;
    let grace = scene.channel.add_person("Grace Hopper");
    let room = scene.channel.add_channel("Procurement", "Orders");
    let ask = async |rest: String| {
        let path = format!("/{}/{rest}", room.id);
        read(scene.call(Method::GET, &path, Value::Null).await.unwrap()).await
    };

    let (_, all) = ask("members".to_owned()).await;
    let (_, first) = ask("pagedMembers?pageSize=1".to_owned()).await;
    let token = first["continuationToken"].as_str().unwrap();
    let (_, last) = ask(format!("pagedmembers?pageSize=1&continuationToken={token}")).await;
    let (_, one) = ask(format!("members/{}", grace.entra_id)).await;
    let (absent, _) = ask("members/29:unknown".to_owned()).await;

    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!((&first["members"][0], &last["members"][0]), (&all[0], &all[1]));
    assert_eq!((&last["continuationToken"], &one, absent), (&Value::Null, &all[1], 404));
}

#[tokio::test]
async fn call_without_permission_is_rejected() {
    let scene = Scene::new().await;

    scene.channel.uninstall(&scene.ada);
    let removed = read(scene.send("hello").await.unwrap()).await;
    let unknown = scene.post("/a:unknown/activities", json!({ "type": "message" })).await;
    scene.channel.revoke_tokens();
    let revoked = read(scene.send("hello").await.unwrap()).await;

    assert_eq!((removed.0, &removed.1["error"]["code"]), (403, &json!("BotNotInConversationRoster")));
    assert_eq!((unknown.0, &unknown.1["error"]["code"]), (404, &json!("ConversationNotFound")));
    let denied = json!({ "message": "Authorization has been denied for this request." });
    assert_eq!(revoked, (401, denied));
    assert!(scene.channel.entries().iter().all(|entry| entry.effect == Effect::Refused));
}

#[tokio::test]
async fn token_is_valid_for_an_hour() {
    let clock = Arc::new(SetClock(Mutex::new("2026-11-22T09:00:00Z".parse().unwrap())));
    let scene = Scene::at(Arc::clone(&clock) as Arc<dyn Clock>).await;

    clock.set("2026-11-22T09:59:59Z");
    let before = scene.send("hello").await.unwrap();
    clock.set("2026-11-22T10:00:00Z");
    let after = scene.send("hello").await.unwrap();

    assert_eq!(before.headers()["date"], "Sun, 22 Nov 2026 09:59:59 GMT");
    assert_eq!((before.status().as_u16(), after.status().as_u16()), (201, 401));
    assert_eq!(scene.channel.token_claims()["exp"], clock.now().as_second() + 3600);
    let message = scene.channel.message(&scene.ada, "hello");
    assert_eq!(message["localTimestamp"], "2026-11-22T10:00:00.000+00:00");
}

#[tokio::test]
async fn faults_apply_in_order_and_to_their_operation() {
    let scene = Scene::new().await;
    let throttled = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("7");
    scene.channel.fail_on(Operation::Update, Fault::EmptyBody);
    scene.channel.fail(Fault::Status(throttled));
    scene.channel.fail(Fault::AcceptThenStatus(Refusal::raw(502, "<html>")));
    scene.channel.fail(Fault::AcceptThenDrop);
    scene.channel.fail_on(Operation::Send, Fault::EmptyBody);

    let refused = scene.send("one").await.unwrap();
    let gateway = scene.send("two").await.unwrap();
    let lost = scene.send("three").await.unwrap_err();
    let bare = scene.send("four").await.unwrap();
    scene.channel.wait_for(3).await;

    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(gateway.status().as_u16(), 502);
    assert!(lost.is_request() && !lost.is_connect() && !lost.is_timeout(), "{lost:?}");
    assert_eq!((bare.status().as_u16(), bare.bytes().await.unwrap().len()), (202, 0));
    assert_eq!(scene.channel.texts(), ["two", "three", "four"]);
    let statuses: Vec<_> = scene.channel.entries().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(429), Some(502), None, Some(202)]);
    assert_eq!(scene.channel.pending_faults(), 1);
}

#[tokio::test]
async fn activity_has_a_token_that_published_keys_verify() {
    let scene = Scene::new().await;
    let agent = Scene::new().await;
    let claims = scene.channel.token_claims();
    scene.channel.rotate_key().unwrap();
    let token = scene.channel.sign_claims(&claims).unwrap();

    let metadata: Value = fetch(&scene.channel.cloud()["openid_metadata"]).await;
    let set: JwkSet = serde_json::from_value(fetch(&metadata["jwks_uri"]).await).unwrap();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[CLIENT]);
    rules.set_issuer(&["https://api.botframework.com"]);
    let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let verified = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
    scene.channel.set_endpoint(agent.channel.service_url());
    let answer = scene.channel.deliver(scene.channel.message(&scene.ada, "hello")).await.unwrap();

    assert_eq!(verified.claims["serviceurl"], scene.channel.service_url());
    assert_eq!((set.keys.len(), scene.channel.key_fetches()), (2, 1));
    assert_eq!((answer.status, answer.json()), (404, Value::Null));
}

async fn fetch(url: &Value) -> Value {
    reqwest::get(url.as_str().unwrap()).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn stream_keeps_its_order_and_text_and_ends_once() {
    let scene = Scene::new().await;
    let path = format!("/{}/activities", scene.channel.personal_conversation(&scene.ada));
    let chunk = |kind: &str, text: &str, info: Value| {
        let mut info = info;
        info["type"] = json!("streaminfo");
        json!({ "type": kind, "text": text, "entities": [info] })
    };

    let first = chunk("typing", "Thin", json!({ "streamType": "streaming", "streamSequence": 1 }));
    let (started, stream) = scene.post(&path, first.clone()).await;
    let id = &stream["id"];
    let next = chunk("typing", "Think", json!({ "streamSequence": 2, "streamId": id }));
    let taken = scene.post(&path, next.clone()).await;
    let repeated = scene.post(&path, next).await;
    let broken =
        scene.post(&path, chunk("typing", "Thick", json!({ "streamSequence": 3, "streamId": id }))).await;
    let last = chunk("message", "Think.", json!({ "streamType": "final", "streamId": id }));
    let ended = scene.post(&path, last.clone()).await;
    let twice = scene.post(&path, last).await;
    let (_, other) = scene.post(&path, first).await;
    scene.channel.stop_stream(&scene.channel.personal_conversation(&scene.ada));
    let next = chunk("typing", "Think", json!({ "streamSequence": 2, "streamId": other["id"] }));
    let stopped = scene.post(&path, next).await;

    assert_eq!((started, taken), (201, (202, json!({}))));
    assert_eq!(repeated.1["error"]["code"], "ContentStreamSequenceOrderPreConditionFailed");
    assert_eq!((repeated.0, broken.0, ended.0, twice.0, stopped.0), (202, 403, 202, 403, 403));
    assert!(stopped.1["error"]["message"].as_str().unwrap().contains("canceled by user"));
    assert_eq!(scene.channel.texts(), ["Think."]);
}

#[tokio::test]
async fn conversations_and_ids_survive_a_restart() {
    let before = Scene::new().await;
    let conversation = before.channel.personal_conversation(&before.ada);
    let (_, sent) = read(before.send("hello").await.unwrap()).await;
    let snapshot = before.channel.snapshot();
    before.channel.stop().await;

    let after = Scene::new().await;
    after.channel.restore(&snapshot).unwrap();
    let path = format!("/{conversation}/activities/{}", sent["id"].as_str().unwrap());
    let update = after.call(Method::PUT, &path, json!({ "type": "message", "text": "hi" })).await.unwrap();
    let grace = after.channel.add_person("Grace");

    assert_eq!(update.status().as_u16(), 200);
    assert_eq!(after.channel.personal_conversation(&before.ada), conversation);
    assert_ne!(grace.id, before.ada.id);
    assert!(before.send("hello").await.unwrap_err().is_connect());
}
