//! Benchmark of inbound authentication against the RSA verification that it contains.
//!
//! Prints the ratio of the two, measured alternately in one run with distinct tokens.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, Throughput};
use herald::channel::auth::{Authenticator, Checks, Entra, NoKeyCache, SigningKeys};
use herald::clock::{Clock, SystemClock};
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
const TOKENS: usize = 2_000;
const ROUNDS: usize = 100;

struct Bench {
    runtime: Runtime,
    authenticator: Authenticator,
    key: DecodingKey,
    /// Values of `Authorization`.
    values: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let key = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        let jwk = Jwk::from_decoding_key(&key, Some(Algorithm::RS256)).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = "k".into();
        jwk["endorsements"] = json!(["msteams"]);
        let metadata = runtime.block_on(publish(json!({ "keys": [jwk] })));

        let http = herald::channel::http::client().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = || SigningKeys::new(metadata.clone(), http.clone(), Arc::new(NoKeyCache), clock.clone());
        let cloud = Cloud::parse("public").unwrap();
        let authenticator = Authenticator {
            keys: keys(),
            issuer: cloud.issuer.clone(),
            entra: Entra::new(&cloud, &TenantId::new("t").unwrap(), Vec::new(), keys()),
            audience: ClientId::new(CLIENT_ID).unwrap(),
            clock: clock.clone(),
            checks: Checks::all(),
        };
        let now = clock.now().as_second();
        let values = (0..TOKENS).map(|index| format!("Bearer {}", token(&pair, now, index))).collect();
        let bench = Self { runtime, authenticator, key, values };
        bench.authenticate_all();
        bench
    }

    /// Authenticates every token as a request would.
    fn authenticate_all(&self) -> Duration {
        self.runtime.block_on(async {
            let started = now();
            for value in &self.values {
                black_box(self.authenticator.authenticate(Some(black_box(value))).await.unwrap());
            }
            started.elapsed()
        })
    }

    /// Verifies only the signature of every token.
    fn verify_all(&self) -> Duration {
        let tokens = self.values.iter().map(|value| value.trim_start_matches("Bearer ").rsplit_once('.'));
        let parts: Vec<_> = tokens.map(Option::unwrap).collect();
        let started = now();
        for (message, signature) in parts {
            let verified =
                crypto::verify(black_box(signature), message.as_bytes(), &self.key, Algorithm::RS256);
            assert!(black_box(verified.unwrap()));
        }
        started.elapsed()
    }
}

fn token(pair: &KeyPair, now: i64, index: usize) -> String {
    let header = json!({ "alg": "RS256", "kid": "k", "x5t": "k", "typ": "JWT" });
    let claims = json!({
        "serviceurl": "https://smba.trafficmanager.net/emea/9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d/",
        "nbf": now, "exp": now + 3600 + i64::try_from(index).unwrap(),
        "iss": "https://api.botframework.com", "aud": CLIENT_ID,
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&header), encode(&claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Serves metadata and keys at every path, and returns the URL of the metadata.
async fn publish(mut document: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    document["jwks_uri"] = url.clone().into();
    let body = document.to_string();
    let answer =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the benchmark measures real time")]
    Instant::now()
}

fn main() {
    let bench = Bench::new();
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut group = criterion.benchmark_group("2,000 tokens");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("signature alone", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| bench.verify_all()).sum());
    });
    group.bench_function("all checks", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| bench.authenticate_all()).sum());
    });
    group.finish();

    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| (bench.authenticate_all().as_secs_f64(), bench.verify_all().as_secs_f64()))
        .map(|(all, signature)| all / signature)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[(share * (ROUNDS - 1) as f64) as usize];
    #[expect(clippy::print_stdout, reason = "the benchmark prints its result")]
    {
        println!(
            "all checks take {:.3} times the signature alone (median of {ROUNDS} alternating rounds; 10 % {:.3}, 90 % {:.3})",
            at(0.5),
            at(0.1),
            at(0.9),
        );
    }
}
