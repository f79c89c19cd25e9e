//! Outbound tokens: when they are requested, how long they are cached, and responses that are rejected. `credentials`
//! covers authentication to the login service.

use std::sync::Arc;
use std::time::Duration;

use herald::channel::auth::{ClientSecret, TokenProvider, TokenSource};
use herald::clock::SystemClock;
use herald::error::error_chain;
use herald::protocol::activity::Activity;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use local::channel_emulator::{Fault, Operation, Refusal};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};
use tokio::task::JoinSet;

async fn bundle() -> TestBundle {
    TestBundle::with(ScriptedEngine::default()).await
}

fn tokens(bundle: &TestBundle) -> &TokenProvider {
    &bundle.local().functions.worker.parts().connector.tokens
}

async fn token(bundle: &TestBundle) -> Result<String, String> {
    let token = tokens(bundle).token().await;
    token.map(|token| token.expose_secret().to_owned()).map_err(|error| error_chain(&error).to_string())
}

fn after(bundle: &TestBundle, seconds: u64) {
    bundle.clock().advance(Duration::from_secs(seconds));
}

fn login_responds(bundle: &TestBundle, refusal: Refusal) {
    bundle.channel().fail_on(Operation::Token, Fault::Status(refusal));
}

fn token_response(token: &str, expires_in: &Value) -> Refusal {
    Refusal::raw(200, json!({ "access_token": token, "expires_in": expires_in }).to_string())
}

#[tokio::test]
async fn concurrent_sends_request_one_token() {
    let bundle = bundle().await;
    let alex = bundle.channel().add_person("Alex");
    let activity = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    let mut sends = JoinSet::new();

    for _ in 0..20 {
        let (worker, reference) = (Arc::clone(&bundle.local().functions.worker), reference.clone());
        sends.spawn(
            async move { worker.parts().connector.send(&reference, Activity::message("Hello.")).await },
        );
    }
    let sent = sends.join_all().await;

    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!((bundle.channel().texts().len(), bundle.channel().token_requests()), (20, 1));
    bundle.end().await;
}

#[tokio::test]
async fn token_is_renewed_five_minutes_before_it_expires() {
    let bundle = bundle().await;
    let first = token(&bundle).await.unwrap();

    after(&bundle, 3299);
    let kept = token(&bundle).await.unwrap();
    after(&bundle, 1);
    let renewed = token(&bundle).await.unwrap();

    assert_eq!(kept, first);
    assert_ne!(renewed, first);
    assert_eq!(bundle.channel().token_requests(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn short_lived_token_is_renewed_in_the_last_tenth_of_its_lifetime() {
    let bundle = bundle().await;
    login_responds(&bundle, token_response("short", &json!(100)));
    token(&bundle).await.unwrap();

    after(&bundle, 89);
    let kept = token(&bundle).await.unwrap();
    after(&bundle, 1);
    let renewed = token(&bundle).await.unwrap();

    assert_eq!(kept, "short");
    assert_ne!(renewed, "short");
    bundle.end().await;
}

#[tokio::test]
async fn token_is_used_until_expiry_during_login_outage() {
    let bundle = bundle().await;
    let first = token(&bundle).await.unwrap();
    after(&bundle, 3300);
    for _ in 0..3 {
        login_responds(&bundle, Refusal::raw(503, ""));
    }

    let at_once = token(&bundle).await.unwrap();
    after(&bundle, 29);
    let cooling_down = token(&bundle).await.unwrap();
    let asked = bundle.channel().token_requests();
    after(&bundle, 1);
    let tried_again = token(&bundle).await.unwrap();
    after(&bundle, 270);
    let ended = token(&bundle).await;
    let recovered = token(&bundle).await.unwrap();

    assert_eq!([&at_once, &cooling_down, &tried_again], [&first; 3]);
    assert_eq!((asked, bundle.channel().token_requests()), (2, 5));
    assert_eq!(ended.unwrap_err(), "login answered 503");
    assert_ne!(recovered, first);
    bundle.end().await;
}

#[tokio::test]
async fn token_rejected_by_the_channel_is_invalidated_once() {
    let bundle = bundle().await;
    let alex = bundle.channel().add_person("Alex");
    let activity = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    for _ in 0..2 {
        bundle.channel().fail(Fault::Status(Refusal::raw(401, "")));
    }

    let connector = &bundle.local().functions.worker.parts().connector;
    let error = connector.send(&reference, Activity::message("Hello.")).await.unwrap_err();

    assert!(error.to_string().contains("401"), "{error}");
    assert_eq!((bundle.channel().entries().len(), bundle.channel().token_requests()), (2, 2));
    bundle.end().await;
}

#[tokio::test]
async fn odd_token_lifetime_is_clamped_between_zero_and_a_day() {
    let bundle = bundle().await;

    for (expires_in, life) in [
        (json!(3599), 3299),
        (json!("3599"), 3299),
        (json!(0), 0),
        (json!(-1), 0),
        (json!("-1"), 0),
        (json!(1_000_000_000_000_u64), 86_100),
    ] {
        login_responds(&bundle, token_response("odd", &expires_in));
        assert_eq!(token(&bundle).await.unwrap(), "odd");
        if let Some(before) = u64::checked_sub(life, 1) {
            after(&bundle, before);
            assert_eq!(token(&bundle).await.unwrap(), "odd", "{expires_in}");
            after(&bundle, 1);
        }
        assert_ne!(token(&bundle).await.unwrap(), "odd", "{expires_in}");
        after(&bundle, 3600);
    }

    bundle.end().await;
}

#[tokio::test]
async fn unusable_token_response_is_rejected_and_not_logged() {
    let bundle = bundle().await;
    let unusable = [
        token_response("hush\r\nx-injected: y", &json!(3599)),
        token_response("hush hush", &json!(3599)),
        token_response("hüsh", &json!(3599)),
        token_response("", &json!(3599)),
        token_response("hush", &json!("soon")),
        token_response("hush", &json!(null)),
        Refusal::raw(200, r#""hush""#),
        Refusal::raw(200, r#"{"access_token":["hush"],"expires_in":3599}"#),
        Refusal::raw(200, "<html>hush</html>"),
    ];

    for refusal in unusable {
        login_responds(&bundle, refusal.clone());
        assert_eq!(
            token(&bundle).await.unwrap_err(),
            "login returned a malformed token response",
            "{refusal:?}"
        );
    }
    login_responds(&bundle, Refusal::raw(400, r#"{"error":"hush@example.org","error_description":"hush"}"#));
    let refused = token(&bundle).await.unwrap_err();

    assert!(!refused.contains("example.org") && !refused.contains('@'), "{refused}");
    bundle.end().await;
}

#[tokio::test]
async fn login_redirect_is_not_followed() {
    let bundle = bundle().await;
    let cloud = bundle.channel().cloud();
    let (login, tenant) = (cloud["login"].as_str().unwrap(), cloud["token_tenant"].as_str().unwrap());
    let elsewhere = format!("{login}/{tenant}/oauth2/v2.0/token");
    login_responds(&bundle, Refusal::raw(307, "").header("location", elsewhere));

    let error = token(&bundle).await.unwrap_err();

    assert!(error.contains("307"), "{error}");
    assert_eq!(bundle.channel().token_requests(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn token_is_requested_from_own_tenant_unless_cloud_names_another() {
    let bundle = bundle().await;
    let claims = bundle.channel().token_claims();
    let named = Cloud::parse(&bundle.channel().cloud().to_string()).unwrap();
    let tenant = named.token_tenant.clone().unwrap();
    let ask = async |cloud: &Cloud, own: &str| {
        let provider = TokenProvider::new(TokenSource {
            http: herald::channel::http::client().unwrap(),
            client_id: ClientId::new(claims["aud"].as_str().unwrap()).unwrap(),
            credential: Arc::new(ClientSecret::new(&bundle.channel().client_secret().into())),
            tenant: TenantId::new(own).unwrap(),
            cloud: cloud.clone(),
            clock: Arc::new(SystemClock),
            random: Random::system(),
        });
        provider.token().await.map(drop).map_err(|error| error.to_string())
    };
    let unnamed = Cloud { token_tenant: None, ..named.clone() };

    assert_eq!(ask(&named, "elsewhere").await, Ok(()));
    assert_eq!(ask(&unnamed, &tenant).await, Ok(()));
    assert!(ask(&unnamed, "elsewhere").await.unwrap_err().contains("AADSTS90002"));

    bundle.end().await;
}
