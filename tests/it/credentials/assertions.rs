//! Assertions that the emulated login accepts: none that Entra would reject.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herald::clock::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use support::TestBundle;

use super::certificate::Certificate;
use super::{AUDIENCE, federated, with_certificate};

fn token_url(bundle: &TestBundle) -> String {
    let cloud = bundle.channel().cloud();
    format!(
        "{}/{}/oauth2/v2.0/token",
        cloud["login"].as_str().unwrap(),
        cloud["token_tenant"].as_str().unwrap()
    )
}

/// Returns the error code for the assertion; null when it is accepted.
async fn present(bundle: &TestBundle, assertion: &str) -> Value {
    let claims = bundle.channel().token_claims();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", claims["aud"].as_str().unwrap()),
        ("scope", "https://api.botframework.com/.default"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    let answer = reqwest::Client::new().post(token_url(bundle)).form(&form).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["error_codes"][0].clone()
}

#[tokio::test]
async fn altered_or_expired_identity_token_is_rejected() {
    let bundle = federated(|_| {}).await;
    let identity = bundle.local().stack.identity();
    let token = identity.token(AUDIENCE, 60).unwrap();
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
    parts[1] = URL_SAFE_NO_PAD.encode(claims.replace("\"exp\":", "\"exp\":1"));
    let altered = parts.join(".");

    assert_eq!(present(&bundle, &altered).await, 700_027);
    assert_eq!(present(&bundle, &token).await, Value::Null);
    bundle.clock().advance(Duration::from_secs(60));
    assert_eq!(present(&bundle, &token).await, 700_024);
    assert_eq!(present(&bundle, "no token").await, 50_027);

    bundle.end().await;
}

#[tokio::test]
async fn certificate_assertion_is_checked_by_claim_and_accepted_once() {
    let certificate = Certificate::new();
    let bundle = with_certificate(&certificate.pem(), &certificate).await;
    let now = bundle.clock().now().as_second();
    let client = bundle.channel().token_claims()["aud"].clone();
    let good = json!({
        "aud": token_url(&bundle), "iss": client, "sub": client, "jti": "1", "iat": now, "nbf": now, "exp": now + 600,
    });
    let sign = |algorithm, claims: &Value| {
        let mut header = Header::new(algorithm);
        header.x5t_s256 = Some(certificate.thumbprint());
        let key = EncodingKey::from_rsa_pem(certificate.key.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    };
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(Algorithm::PS256, &claims)
    };

    for (name, assertion, code) in [
        ("another algorithm", sign(Algorithm::RS256, &good), 700_027),
        ("another audience", with("aud", json!("https://login.microsoftonline.com/common/v2.0")), 700_023),
        ("another issuer", with("iss", json!("another")), 700_021),
        ("another subject", with("sub", json!("another")), 700_021),
        ("ended", with("exp", json!(now)), 700_024),
        ("without an end", with("exp", Value::Null), 700_024),
        ("not valid yet", with("nbf", json!(now + 1)), 700_024),
        ("without an id", with("jti", Value::Null), 700_027),
    ] {
        assert_eq!(present(&bundle, &assertion).await, code, "{name}");
    }
    assert_eq!(present(&bundle, &sign(Algorithm::PS256, &good)).await, Value::Null);
    assert_eq!(present(&bundle, &sign(Algorithm::PS256, &good)).await, 700_027, "a second time");

    bundle.end().await;
}
