//! Signing keys during outages of their publisher: from memory, the table, then the network.

use std::sync::Arc;
use std::time::Duration;

use herald::aws::table::{KeyStore, Table};
use herald::channel::auth::KeyCache as _;
use herald::channel::auth::KeySet;
use herald::channel::auth::{NoKeys, SigningKeys};
use herald::channel::http;
use herald::clock::Clock;
use local::channel_emulator::{Fault, Operation, Refusal};
use support::{ScriptedEngine, TestBundle, TestClock};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

/// A channel, a table and a clock, for processes that start without keys in memory.
struct Scene {
    bundle: TestBundle,
    clock: Arc<TestClock>,
}

impl Scene {
    async fn new() -> Self {
        let clock = TestBundle::clock_at_start();
        let engine = Arc::new(ScriptedEngine::replying("Hello."));
        Self { bundle: TestBundle::with_shared(engine, clock.clone()).await, clock }
    }

    fn copies(&self) -> KeyStore {
        let resources = &self.bundle.local().resources;
        KeyStore::new(Table::new(aws_sdk_dynamodb::Client::new(&resources.aws), &resources.table_name))
    }

    fn metadata_url(&self) -> String {
        self.bundle.channel().cloud()["openid_metadata"].as_str().unwrap().to_owned()
    }

    /// Returns the keys of a process that has just started.
    fn process(&self) -> SigningKeys {
        SigningKeys::new(
            self.metadata_url(),
            http::client().unwrap(),
            Arc::new(self.copies()),
            self.clock.clone(),
        )
    }

    fn key_id(&self) -> String {
        self.bundle.channel().token_header()["kid"].as_str().unwrap().to_owned()
    }

    fn fetches(&self) -> u64 {
        self.bundle.channel().key_fetches()
    }

    /// Makes the next fetch fail with `fault`.
    fn fail_next_fetch(&self, fault: Fault) {
        self.bundle.channel().fail_on(Operation::Keys, fault);
    }

    fn outages() -> [Fault; 4] {
        [
            Fault::AcceptThenDrop,
            Fault::Status(Refusal::raw(500, "")),
            Fault::Status(Refusal::raw(200, "<html>no keys today</html>")),
            Fault::Status(Refusal::raw(200, r#"{"jwks_uri":"https://evil.example/keys"}"#)),
        ]
    }

    async fn end(self) {
        self.bundle.end().await;
    }
}

/// Whether `keys` have the key `id`.
async fn finds(keys: &SigningKeys, id: &str) -> Result<bool, NoKeys> {
    keys.find(id).await.map(|key| key.is_some())
}

#[tokio::test]
async fn keys_are_fetched_once_per_day() {
    let scene = Scene::new().await;
    let keys = scene.process();

    for _ in 0..3 {
        assert_eq!(finds(&keys, &scene.key_id()).await, Ok(true));
    }
    assert_eq!(scene.fetches(), 1);
    scene.clock.advance(DAY);
    assert_eq!(finds(&keys, &scene.key_id()).await, Ok(true));

    assert_eq!(scene.fetches(), 2);
    scene.end().await;
}

#[tokio::test]
async fn new_process_uses_the_stored_keys() {
    let scene = Scene::new().await;
    let first = scene.process();
    first.find(&scene.key_id()).await.unwrap();
    first.persist_keys().await;

    let second = scene.process();
    second.warm().await;

    assert_eq!(finds(&second, &scene.key_id()).await, Ok(true));
    assert_eq!(scene.fetches(), 1);
    scene.end().await;
}

#[tokio::test]
async fn any_outage_is_bridged_for_five_days() {
    for fault in Scene::outages() {
        let scene = Scene::new().await;
        let keys = scene.process();
        keys.find(&scene.key_id()).await.unwrap();
        scene.clock.advance(5 * DAY - MINUTE);

        scene.fail_next_fetch(fault.clone());
        assert_eq!(finds(&keys, &scene.key_id()).await, Ok(true), "{fault:?}: stale keys serve");
        scene.clock.advance(MINUTE);
        scene.fail_next_fetch(fault.clone());
        assert_eq!(finds(&keys, &scene.key_id()).await, Err(NoKeys), "{fault:?}: for five days");
        scene.clock.advance(MINUTE);

        assert_eq!(finds(&keys, &scene.key_id()).await, Ok(true), "{fault:?}: it is over");
        scene.end().await;
    }
}

#[tokio::test]
async fn stale_stored_keys_serve_a_new_process_during_an_outage() {
    let scene = Scene::new().await;
    let first = scene.process();
    first.find(&scene.key_id()).await.unwrap();
    first.persist_keys().await;
    scene.clock.advance(2 * DAY);

    let second = scene.process();
    scene.fail_next_fetch(Fault::Status(Refusal::raw(503, "")));

    assert_eq!(finds(&second, &scene.key_id()).await, Ok(true));
    scene.end().await;
}

#[tokio::test]
async fn slow_endpoint_costs_four_seconds_once_per_minute() {
    let scene = Scene::new().await;
    let keys = Arc::new(scene.process());
    let id = scene.key_id();
    keys.find(&id).await.unwrap();
    scene.clock.advance(DAY);
    scene.fail_next_fetch(Fault::Late(Duration::from_secs(3600)));

    let asked = tokio::spawn({
        let (keys, id) = (keys.clone(), id.clone());
        async move { finds(&keys, &id).await }
    });
    scene.clock.sleeping(Duration::from_secs(4)).await;
    scene.clock.advance(Duration::from_secs(4));

    assert_eq!(asked.await.unwrap(), Ok(true), "stale keys serve");
    assert_eq!(finds(&keys, &id).await, Ok(true), "and no request waits for a minute");
    scene.end().await;
}

#[tokio::test]
async fn rotated_key_is_found_at_once_and_old_key_is_kept() {
    let scene = Scene::new().await;
    let keys = scene.process();
    let old = scene.key_id();
    keys.find(&old).await.unwrap();
    scene.clock.advance(MINUTE);
    scene.bundle.channel().rotate_key().unwrap();

    assert_eq!(finds(&keys, &scene.key_id()).await, Ok(true));
    assert_eq!(finds(&keys, &old).await, Ok(true));

    assert_eq!(scene.fetches(), 2);
    scene.end().await;
}

#[tokio::test]
async fn fresh_stored_keys_without_a_new_key_do_not_hide_it() {
    let scene = Scene::new().await;
    let first = scene.process();
    first.find(&scene.key_id()).await.unwrap();
    first.persist_keys().await;
    scene.bundle.channel().rotate_key().unwrap();

    let second = scene.process();
    second.warm().await;

    assert_eq!(finds(&second, &scene.key_id()).await, Ok(true));
    scene.end().await;
}

#[tokio::test]
async fn stored_keys_too_old_or_future_or_empty_are_ignored() {
    let scene = Scene::new().await;
    let now = scene.clock.now();
    let first = scene.process();
    first.find(&scene.key_id()).await.unwrap();
    first.persist_keys().await;
    let good = scene.copies().get(&scene.metadata_url()).await.unwrap().unwrap();

    for (what, copy) in [
        ("too old", KeySet { fetched_at: now - 5 * DAY, ..good.clone() }),
        ("from the future", KeySet { fetched_at: now + MINUTE, ..good.clone() }),
        ("empty", KeySet { keys: Vec::new(), ..good.clone() }),
    ] {
        scene.copies().put(&scene.metadata_url(), &copy).await.unwrap();
        let process = scene.process();
        scene.fail_next_fetch(Fault::Status(Refusal::raw(500, "")));
        assert_eq!(finds(&process, &scene.key_id()).await, Err(NoKeys), "{what}");
    }

    scene.end().await;
}

#[tokio::test]
async fn missing_keys_are_requested_every_five_seconds() {
    let scene = Scene::new().await;
    let keys = scene.process();
    scene.fail_next_fetch(Fault::Status(Refusal::raw(500, "")));

    assert_eq!(finds(&keys, &scene.key_id()).await, Err(NoKeys));
    assert_eq!(finds(&keys, &scene.key_id()).await, Err(NoKeys), "not asked again at once");
    scene.clock.advance(Duration::from_secs(5));

    assert_eq!(finds(&keys, &scene.key_id()).await, Ok(true));
    scene.end().await;
}
