//! Credentials of the agent: a secret, a certificate, or the role that AWS assigned; and the errors when the login
//! service rejects them.

mod assertions;
mod certificate;

use std::sync::Arc;
use std::time::Duration;

use herald::aws::config::Credential;
use herald::aws::identity;
use herald::aws::identity::FederatedIdentity;
use herald::channel::auth::{TokenProvider, TokenSource};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use local::channel_emulator::{Fault, FederatedCredential, Operation, Refusal};
use support::clock::TestClock;
use support::{ScriptedEngine, TestBundle};

use self::certificate::Certificate;

const SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:herald-AbCdEf";

/// Audience of an identity token for Entra.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Starts a bundle whose agent has this credential, which is not registered yet.
async fn bundle(credential: Credential) -> TestBundle {
    TestBundle::with_credential(ScriptedEngine::deferring("On it.", "Here it is."), credential).await
}

async fn with_certificate(kept: &str, registered: &Certificate) -> TestBundle {
    let bundle = bundle(Credential::Certificate(SECRET_ARN.to_owned())).await;
    bundle.local().stack.put_secret(SECRET_ARN, kept);
    bundle.channel().add_certificate(&registered.der);
    bundle
}

/// Returns the federated credential that matches the role.
fn matching_credential(bundle: &TestBundle) -> FederatedCredential {
    let identity = bundle.local().stack.identity();
    FederatedCredential {
        issuer: identity.issuer().to_owned(),
        subject: identity.subject().unwrap(),
        audience: AUDIENCE.to_owned(),
    }
}

async fn federated(change: impl FnOnce(&mut FederatedCredential)) -> TestBundle {
    let bundle = bundle(Credential::Federated).await;
    let mut credential = matching_credential(&bundle);
    change(&mut credential);
    bundle.channel().add_federated_credential(credential);
    bundle
}

async fn assert_follows_up(bundle: TestBundle) {
    let alex = bundle.channel().add_person("Alex");

    bundle.ask(&alex, "order a laptop").await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."]);
    assert_eq!(bundle.channel().token_requests(), 1);
    bundle.end().await;
}

/// Returns the error of a rejected token request, which must hold no id.
async fn token_error(bundle: &TestBundle) -> String {
    let error = bundle.local().functions.worker.parts().connector.tokens.token().await.unwrap_err();
    let text = error_chain(&error).to_string();
    for id in ["000000000000", "arn:", "5d0c9c1e", "9a1b2c3d", "127.0.0.1"] {
        assert!(!text.contains(id), "`{id}` is in: {text}");
    }
    text
}

async fn assert_refused(bundle: TestBundle, expected: &[&str]) {
    let text = token_error(&bundle).await;

    for part in expected {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn follow_up_is_sent_with_secret_from_secrets_manager() {
    let bundle = bundle(Credential::StoredSecret(SECRET_ARN.to_owned())).await;
    bundle.local().stack.put_secret(SECRET_ARN, format!("{}\n", bundle.channel().client_secret()));

    assert_follows_up(bundle).await;
}

#[tokio::test]
async fn follow_up_is_sent_with_certificate() {
    let certificate = Certificate::new();

    assert_follows_up(with_certificate(&certificate.pem(), &certificate).await).await;
}

#[tokio::test]
async fn follow_up_is_sent_with_federated_identity() {
    assert_follows_up(federated(|_| {}).await).await;
}

#[tokio::test]
async fn mismatched_federated_credential_is_named_by_its_member() {
    let upper = |text: &mut String| *text = text.replace("role", "Role");
    let issuer = federated(|credential| credential.issuer.push('/')).await;
    let subject = federated(|credential| upper(&mut credential.subject)).await;
    let audience = federated(|credential| credential.audience.push_str("USGov")).await;
    let none = bundle(Credential::Federated).await;

    assert_refused(issuer, &["AADSTS700211", "issuer", "minutes"]).await;
    assert_refused(subject, &["AADSTS700213", "subject", "minutes"]).await;
    assert_refused(audience, &["AADSTS700212", "audience", "minutes"]).await;
    assert_refused(none, &["AADSTS70021", "minutes"]).await;
}

#[tokio::test]
async fn untrusted_role_is_rejected() {
    let bundle = federated(|_| {}).await;
    bundle.local().stack.identity().assume("arn:aws:iam::000000000000:role/another");

    assert_refused(bundle, &["AADSTS700213", "each worker role"]).await;
}

#[tokio::test]
async fn disabled_federation_is_explained() {
    let bundle = federated(|_| {}).await;
    bundle.local().stack.identity().switch_off();

    assert_refused(bundle, &["aws iam enable-outbound-web-identity-federation"]).await;
}

#[tokio::test]
async fn identity_claims_match_the_federated_credential() {
    let bundle = bundle(Credential::Federated).await;
    let cloud = Cloud::parse(&bundle.channel().cloud().to_string()).unwrap();

    let claims = FederatedIdentity::new(&cloud, &bundle.local().resources.aws).claims().await.unwrap();

    let FederatedCredential { issuer, subject, audience } = matching_credential(&bundle);
    assert_eq!((claims.issuer, claims.subject, claims.audience), (issuer, subject, audience));
    bundle.end().await;
}

#[tokio::test]
async fn unregistered_or_mismatched_certificate_is_rejected() {
    let (own, other) = (Certificate::new(), Certificate::new());
    let unknown = with_certificate(&other.pem(), &own).await;
    let mixed = with_certificate(&own.pem_with_key_of(&other), &own).await;

    assert_refused(unknown, &["AADSTS700027", "CLIENT_CERTIFICATE_ARN"]).await;
    assert_refused(mixed, &["AADSTS700027", "private key"]).await;
}

#[tokio::test]
async fn missing_secret_or_secret_without_certificate_is_explained() {
    let own = Certificate::new();
    let no_key = with_certificate(&own.certificate, &own).await;
    let absent = bundle(Credential::Certificate(SECRET_ARN.to_owned())).await;

    assert_refused(no_key, &["CLIENT_CERTIFICATE_ARN", "holds no PRIVATE KEY"]).await;
    assert_refused(absent, &["CLIENT_CERTIFICATE_ARN", "ResourceNotFoundException"]).await;
}

#[tokio::test]
async fn certificate_is_replaced_without_restart() {
    let (old, new) = (Certificate::new(), Certificate::new());
    let bundle = with_certificate(&old.pem(), &old).await;
    let tokens = &bundle.local().functions.worker.parts().connector.tokens;
    tokens.token().await.unwrap();

    bundle.channel().add_certificate(&new.der);
    bundle.local().stack.put_secret(SECRET_ARN, new.pem());
    bundle.channel().revoke_certificate(&old.der);
    bundle.clock().advance(Duration::from_secs(3600));
    tokens.token().await.unwrap();

    assert_eq!(bundle.channel().token_requests(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn assertion_outside_its_validity_is_replaced_once() {
    let certificate = Certificate::new();
    let bundle = with_certificate(&certificate.pem(), &certificate).await;
    let outside = Refusal::raw(401, r#"{"error":"invalid_client","error_codes":[700024]}"#);
    bundle.channel().fail_on(Operation::Token, Fault::Status(outside));

    let token = bundle.local().functions.worker.parts().connector.tokens.token().await;

    assert!(token.is_ok(), "{token:?}");
    assert_eq!(bundle.channel().token_requests(), 2);
    bundle.end().await;
}

#[tokio::test]
async fn wrong_clock_of_the_agent_is_explained() {
    let certificate = Certificate::new();
    let bundle = with_certificate(&certificate.pem(), &certificate).await;
    let cloud = Cloud::parse(&bundle.channel().cloud().to_string()).unwrap();
    let kept = Credential::Certificate(SECRET_ARN.to_owned());
    let claims = bundle.channel().token_claims();
    for wrong in ["2026-11-22T08:50:00Z", "2026-11-22T09:00:01Z"] {
        let asked = bundle.channel().token_requests();
        let clock: Arc<dyn Clock> = Arc::new(TestClock::at(wrong.parse().unwrap()));
        let tokens = TokenProvider::new(TokenSource {
            http: herald::channel::http::client().unwrap(),
            client_id: ClientId::new(claims["aud"].as_str().unwrap()).unwrap(),
            credential: identity::Credential::new(kept.clone(), &cloud, &bundle.local().resources.aws)
                .as_client_credential(),
            tenant: TenantId::new("of the cloud").unwrap(),
            cloud: cloud.clone(),
            clock,
            random: Random::system(),
        });

        let error = tokens.token().await.unwrap_err().to_string();

        assert!(error.contains("AADSTS700024") && error.contains("clock"), "{error}");
        assert_eq!(bundle.channel().token_requests() - asked, 2);
    }
    bundle.end().await;
}
