//! Authentication of inbound requests, and rejected requests, which store and queue nothing.

use std::time::Duration;

use herald::clock::Clock;
use local::channel_emulator::{Fault, Operation, Refusal};
use local::poller::Step;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

async fn bundle() -> TestBundle {
    TestBundle::with(ScriptedEngine::replying("Hello.")).await
}

async fn with_token(bundle: &TestBundle, change: impl FnOnce(&mut Value, &mut Value)) -> u16 {
    let alex = bundle.channel().add_person("Alex");
    let (mut header, mut claims) = (bundle.channel().token_header(), bundle.channel().token_claims());
    change(&mut header, &mut claims);
    let token = bundle.channel().sign_with_header(&header, &claims).unwrap();
    let activity = bundle.channel().message(&alex, "hello");
    bundle.channel().deliver_with(activity, Some(token)).await.unwrap().status
}

async fn assert_unavailable_during_key_outage(bundle: TestBundle) {
    bundle.channel().fail_on(Operation::Keys, Fault::Status(Refusal::raw(500, "")));

    assert_eq!(with_token(&bundle, |_, _| {}).await, 503);
    bundle.clock().advance(Duration::from_secs(60));
    assert_eq!(with_token(&bundle, |_, _| {}).await, 202);

    bundle.drain().await;
    bundle.end().await;
}

async fn assert_untouched(bundle: TestBundle) {
    assert_eq!(bundle.step("turns").await, Step::Idle, "nothing was queued");
    assert!(bundle.items().await.is_empty(), "nothing was stored");
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn token_of_the_channel_is_accepted() {
    let bundle = bundle().await;

    assert_eq!(with_token(&bundle, |_, _| {}).await, 202);
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn foreign_tokens_are_rejected_before_anything_is_stored() {
    let bundle = bundle().await;
    let now = bundle.clock().now().as_second();
    type Change = Box<dyn FnOnce(&mut Value, &mut Value)>;
    let claim =
        |name: &'static str, value: Value| -> Change { Box::new(move |_, claims| claims[name] = value) };
    let without = |name: &'static str| -> Change {
        Box::new(move |_, claims| drop(claims.as_object_mut().unwrap().remove(name)))
    };
    let wrong: Vec<(&str, Change)> = vec![
        ("another issuer", claim("iss", json!("https://api.botframework.us"))),
        ("an issuer with a slash", claim("iss", json!("https://api.botframework.com/"))),
        ("issuers", claim("iss", json!(["https://api.botframework.com"]))),
        ("another audience", claim("aud", json!("00000000-0000-0000-0000-000000000000"))),
        ("the connector's audience", claim("aud", json!("https://api.botframework.com"))),
        ("expired", claim("exp", json!(now - 301))),
        ("an end that is text", claim("exp", json!((now + 600).to_string()))),
        ("no end", without("exp")),
        ("a life of two days", claim("exp", json!(now + 2 * 86_400))),
        ("not valid yet", claim("nbf", json!(now + 301))),
        ("no beginning", without("nbf")),
        ("no service URL", without("serviceurl")),
        ("another service URL", claim("serviceurl", json!("https://smba.trafficmanager.net/emea/"))),
        ("an unknown key", Box::new(|header, _| header["kid"] = json!("unknown"))),
        ("no key", Box::new(|header, _| drop(header.as_object_mut().unwrap().remove("kid")))),
        ("another algorithm", Box::new(|header, _| header["alg"] = json!("RS512"))),
        ("no algorithm", Box::new(|header, _| header["alg"] = json!("none"))),
        ("critical extensions", Box::new(|header, _| header["crit"] = json!(["exp"]))),
    ];

    for (name, change) in wrong {
        assert_eq!(with_token(&bundle, change).await, 401, "{name} was not refused");
    }

    assert_untouched(bundle).await;
}

#[tokio::test]
async fn clock_skew_of_five_minutes_is_tolerated() {
    let bundle = bundle().await;
    let now = bundle.clock().now().as_second();

    let just_over = |_: &mut Value, claims: &mut Value| {
        claims["nbf"] = json!(now - 3600);
        claims["exp"] = json!(now - 299);
    };
    assert_eq!(with_token(&bundle, just_over).await, 202);
    assert_eq!(with_token(&bundle, |_, claims| claims["nbf"] = json!(now + 299)).await, 202);

    bundle.drain().await;
    bundle.end().await;
}

#[tokio::test]
async fn requests_without_token_get_one_identical_response() {
    let bundle = bundle().await;
    let client = reqwest::Client::new();

    for authorization in [None, Some("Bearer"), Some("Bearer "), Some("Basic YTpi"), Some("Bearer a.b.c")] {
        let mut request =
            client.post(bundle.local().endpoint()).header("content-type", "application/json").body("{}");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{authorization:?}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.text().await.unwrap(), "");
    }

    assert_untouched(bundle).await;
}

#[tokio::test]
async fn other_methods_and_paths_are_rejected() {
    let bundle = bundle().await;
    let client = reqwest::Client::new();
    let endpoint = bundle.local().endpoint().to_owned();

    for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::PUT, reqwest::Method::DELETE]
    {
        let answer = client.request(method.clone(), &endpoint).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    for path in ["", "/", "/api/message", "/api/messages//", "/API/messages"] {
        let url = endpoint.replace("/api/messages", path);
        assert_eq!(client.post(url).send().await.unwrap().status(), 404, "{path}");
    }

    assert_untouched(bundle).await;
}

#[tokio::test]
async fn bodies_that_are_no_activities_are_rejected() {
    let bundle = bundle().await;
    let alex = bundle.channel().add_person("Alex");
    let good = bundle.channel().message(&alex, "hello");
    let with = |member: &str, value: Value| {
        let mut activity = good.clone();
        activity[member] = value;
        activity
    };
    let large = "x".repeat(256 * 1024);

    for (name, activity, status) in [
        ("a list", json!([]), 400),
        ("null", Value::Null, 400),
        ("no type", with("type", Value::Null), 400),
        ("a type that is a number", with("type", json!(1)), 400),
        ("no conversation", with("conversation", Value::Null), 400),
        ("a conversation without id", with("conversation", json!({})), 400),
        ("a conversation called ..", with("conversation", json!({ "id": ".." })), 400),
        ("no sender", with("from", Value::Null), 400),
        ("a sender without id", with("from", json!({ "name": "Alex" })), 400),
        ("no service URL", with("serviceUrl", Value::Null), 400),
        ("an invoke without name", with("type", json!("invoke")), 400),
        ("another service URL", with("serviceUrl", json!("https://smba.trafficmanager.net/emea/")), 401),
        ("another tenant", with("channelData", json!({ "tenant": { "id": "elsewhere" } })), 403),
        ("a channel that the key may not sign for", with("channelId", json!("telegram")), 403),
        ("a long text", with("text", json!(large)), 413),
    ] {
        assert_eq!(bundle.deliver(activity).await.status, status, "{name}");
    }

    assert_untouched(bundle).await;
}

#[tokio::test]
async fn body_within_limit_is_rejected_when_its_turn_exceeds_the_queue() {
    let bundle = bundle().await;
    let alex = bundle.channel().add_person("Alex");

    let answer = bundle.deliver(bundle.channel().message(&alex, &"x".repeat(261_000))).await;

    assert_eq!(answer.status, 413);
    bundle.end().await;
}

#[tokio::test]
async fn missing_signing_keys_give_503() {
    let bundle = bundle().await;

    assert_unavailable_during_key_outage(bundle).await;
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_per_minute() {
    let bundle = bundle().await;
    assert_eq!(with_token(&bundle, |_, _| {}).await, 202);
    let fetches = bundle.channel().key_fetches();

    for round in 0..50 {
        let status = with_token(&bundle, |header, _| header["kid"] = json!(format!("unknown-{round}"))).await;
        assert_eq!(status, 401);
    }
    bundle.channel().rotate_key().unwrap();
    bundle.clock().advance(Duration::from_secs(60));
    assert_eq!(with_token(&bundle, |_, _| {}).await, 202, "a rotated key is found");

    assert_eq!(bundle.channel().key_fetches() - fetches, 1);
    bundle.drain().await;
    bundle.end().await;
}

#[tokio::test]
async fn unfetchable_new_key_is_not_treated_as_invalid() {
    let bundle = bundle().await;
    assert_eq!(with_token(&bundle, |_, _| {}).await, 202);
    bundle.channel().rotate_key().unwrap();
    bundle.clock().advance(Duration::from_secs(60));

    assert_unavailable_during_key_outage(bundle).await;
}

#[tokio::test]
async fn tenant_is_case_insensitive_and_channel_data_counts_on_teams_only() {
    let bundle = bundle().await;
    let alex = bundle.channel().add_person("Alex");
    let mut upper = bundle.channel().message(&alex, "hello");
    let tenant = alex.tenant.to_uppercase();
    upper["channelData"]["tenant"]["id"] = json!(tenant);
    let mut web_chat = bundle.channel().message(&alex, "hello");
    web_chat["channelId"] = json!("webchat");
    web_chat["conversation"] = json!({ "id": "c", "tenantId": "elsewhere" });

    assert_eq!(bundle.deliver(upper).await.status, 202);
    assert_eq!(bundle.deliver(web_chat).await.status, 403, "channelData does not admit the other tenant");

    bundle.drain().await;
    bundle.end().await;
}
