//! Key pairs of the channel, of Entra and of a stranger; the published key sets; and signatures of any kind. The agent
//! decides which key may sign for which token.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Generated once for all tests of the process.
static PAIRS: LazyLock<Pairs> = LazyLock::new(|| Pairs {
    channel: KeyPair::generate(KeySize::Rsa2048).unwrap(),
    entra: KeyPair::generate(KeySize::Rsa2048).unwrap(),
    stranger: KeyPair::generate(KeySize::Rsa2048).unwrap(),
    p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    ed25519: Ed25519KeyPair::generate().unwrap(),
});

struct Pairs {
    channel: KeyPair,
    entra: KeyPair,
    stranger: KeyPair,
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

/// A symmetric secret that the channel's key set publishes.
const OCT: &[u8] = b"a secret that everybody can read";

/// Returns the keys that the channel publishes beside the emulator's own: valid and invalid ones.
pub(super) fn channel_set() -> Vec<Value> {
    let n = modulus(&PAIRS.channel);
    let rsa = |kid: &str, more: Value| {
        let mut key = json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": "AQAB" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    };
    let all = json!(["msteams", "webchat", "directline", "email"]);
    let point = PAIRS.p256.public_key().as_ref();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    vec![
        rsa("channel", json!({ "endorsements": all })),
        rsa("webchat", json!({ "endorsements": ["webchat"] })),
        rsa("unendorsed", json!({})),
        rsa("no-endorsements", json!({ "endorsements": [] })),
        rsa("enc", json!({ "endorsements": all, "use": "enc" })),
        rsa("ec-kty", json!({ "endorsements": all, "kty": "EC" })),
        rsa("rs512-only", json!({ "endorsements": all, "alg": "RS512" })),
        rsa("e1", json!({ "endorsements": all, "e": "AQ" })),
        rsa("small", json!({ "endorsements": all, "n": encode(&[0xa5; 128]) })),
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "p256", "endorsements": all,
            "x": encode(&point[1..33]), "y": encode(&point[33..]) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "ed25519", "endorsements": all,
            "x": encode(PAIRS.ed25519.public_key().as_ref()) }),
        json!({ "kty": "oct", "use": "sig", "kid": "oct", "endorsements": all, "k": encode(OCT) }),
    ]
}

/// Returns the keys that Entra publishes for all tenants.
pub(super) fn entra_set() -> Vec<Value> {
    let n = modulus(&PAIRS.entra);
    let key = |kid: &str, issuer: Option<&str>| {
        let mut key = json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": "AQAB" });
        if let Some(issuer) = issuer {
            key["issuer"] = issuer.into();
        }
        key
    };
    let other = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0";
    vec![
        key("entra", Some("https://login.microsoftonline.com/{tenantid}/v2.0")),
        key("entra-of-another-tenant", Some(other)),
        key("entra-without-issuer", None),
    ]
}

/// Returns the key id of `key` in the key set; impostors use the channel's.
pub(super) fn id(key: &str) -> &str {
    match key {
        "stranger" | "pem" | "der" | "jwk" | "modulus" => "channel",
        other => other,
    }
}

/// Returns the signature of `message` with `algorithm` and `key`.
pub(super) fn sign(algorithm: &str, key: &str, message: &[u8]) -> Vec<u8> {
    let mac = |algorithm| hmac::sign(&hmac::Key::new(algorithm, &secret(key)), message).as_ref().to_vec();
    let rsa = |encoding: &'static dyn RsaEncoding| {
        let pair = match key {
            "stranger" | "gov" => &PAIRS.stranger,
            entra if entra.starts_with("entra") => &PAIRS.entra,
            _ => &PAIRS.channel,
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    match algorithm {
        "RS256" if key == "e1" => forged(message),
        "RS256" => rsa(&RSA_PKCS1_SHA256),
        "RS384" => rsa(&RSA_PKCS1_SHA384),
        "RS512" => rsa(&RSA_PKCS1_SHA512),
        "PS256" => rsa(&RSA_PSS_SHA256),
        "ES256" => PAIRS.p256.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        "EdDSA" => PAIRS.ed25519.sign(message).as_ref().to_vec(),
        "HS256" => mac(hmac::HMAC_SHA256),
        "HS384" => mac(hmac::HMAC_SHA384),
        "HS512" => mac(hmac::HMAC_SHA512),
        other => panic!("unknown algorithm: {other}"),
    }
}

/// Returns a forged signature for an exponent of 1: the padded digest itself.
fn forged(message: &[u8]) -> Vec<u8> {
    const SHA256_INFO: &[u8] = &[
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ];
    let mut signature = vec![0xff; 256 - SHA256_INFO.len() - 32];
    let last = signature.len() - 1;
    (signature[0], signature[1], signature[last]) = (0, 1, 0);
    signature.extend(SHA256_INFO);
    signature.extend(digest(&SHA256, message).as_ref());
    signature
}

/// Returns the public data of the channel's key that a careless agent uses as a shared secret.
fn secret(key: &str) -> Vec<u8> {
    let der: PublicKeyX509Der<'_> = PAIRS.channel.public_key().as_der().unwrap();
    match key {
        "pem" => {
            let text = STANDARD.encode(der.as_ref());
            let lines: Vec<&str> =
                text.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
                .into_bytes()
        }
        "der" => der.as_ref().to_vec(),
        "jwk" => channel_set()[0].to_string().into_bytes(),
        "modulus" => modulus(&PAIRS.channel).into_bytes(),
        "oct" => OCT.to_vec(),
        other => panic!("{other} is no secret"),
    }
}

/// Returns the modulus in base64url: the first number of the key's DER, behind headers of fixed size.
fn modulus(pair: &KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(&pair.public_key().as_ref()[9..265])
}
