//! Tests of the emulated STS, through the client that the agent uses.

use std::sync::Arc;

use aws_sdk_sts::error::ProvideErrorMetadata;
use herald::clock::SystemClock;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::aws_emulator::template::tests::TEMPLATE;
use crate::aws_emulator::template::{REGION, Template};
use crate::aws_emulator::{Delays, Stack, StackOptions};

const AUDIENCE: &str = "api://AzureADTokenExchange";

async fn start() -> (Stack, aws_sdk_sts::Client) {
    let template = Template::parse(TEMPLATE).unwrap();
    let clock = Arc::new(SystemClock);
    let options = StackOptions { state: None, clock, template: &template, delays: Delays::Kept };
    let stack = Stack::start(options).await.unwrap();
    let sts = aws_sdk_sts::Client::new(&stack.sdk_config());
    (stack, sts)
}

/// The token, or the code with which it is refused.
async fn ask(
    sts: &aws_sdk_sts::Client,
    audiences: &[&str],
    algorithm: &str,
    seconds: Option<i32>,
) -> Result<String, String> {
    let audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    let request = sts.get_web_identity_token().set_audience(Some(audiences));
    let request = request.signing_algorithm(algorithm).set_duration_seconds(seconds);
    match request.send().await {
        Ok(answer) => Ok(answer.web_identity_token.unwrap()),
        Err(error) => Err(error.code().unwrap().to_owned()),
    }
}

async fn fetch(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn identity_token_is_verified_by_published_keys() {
    let (stack, sts) = start().await;
    let identity = stack.identity();
    identity.assume("arn:aws:iam::000000000000:role/worker");

    let token = ask(&sts, &[AUDIENCE], "RS256", Some(300)).await.unwrap();

    let discovery = fetch(&format!("{}/.well-known/openid-configuration", identity.issuer())).await;
    let keys: JwkSet = serde_json::from_value(fetch(discovery["jwks_uri"].as_str().unwrap()).await).unwrap();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[identity.issuer()]);
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap().claims;
    assert_eq!(discovery["issuer"], identity.issuer());
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&json!("arn:aws:iam::000000000000:role/worker"), &json!(AUDIENCE))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!(claims["https://sts.amazonaws.com/"]["source_region"], REGION);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn requests_that_sts_or_entra_reject_are_rejected() {
    let (stack, sts) = start().await;

    for (name, audiences, algorithm, seconds) in [
        ("too short", &[AUDIENCE][..], "RS256", 59),
        ("too long", &[AUDIENCE], "RS256", 3601),
        ("an algorithm that Entra does not take", &[AUDIENCE], "ES384", 300),
        ("an unknown algorithm", &[AUDIENCE], "none", 300),
        ("no audience", &[], "RS256", 300),
    ] {
        let refused = ask(&sts, audiences, algorithm, Some(seconds)).await;
        assert_eq!(refused.unwrap_err(), "ValidationError", "{name}");
    }
    assert!(ask(&sts, &[AUDIENCE, "another"], "RS256", None).await.is_ok());
    let other = sts.get_caller_identity().send().await.unwrap_err();
    assert_eq!(other.code(), Some("InvalidAction"));

    stack.identity().switch_off();
    let disabled = ask(&sts, &[AUDIENCE], "RS256", Some(300)).await;
    assert_eq!(disabled.unwrap_err(), "OutboundWebIdentityFederationDisabledException");
    stack.stop().await.unwrap();
}
