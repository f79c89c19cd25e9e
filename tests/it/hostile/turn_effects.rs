//! Rows whose effect shows after the worker has run, with the channel emulator at the other end. The corpus test checks
//! their statuses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use local::channel_emulator::Person;
use support::{ScriptedEngine, TestBundle};

use super::request_builder::{Request, RequestBuilder};
use super::row::{self, Mutation, Row};
use super::setup::{CLIENT_ID, Setup, TENANT, play};
use super::ssrf_listener::SsrfListener;
use super::{keys, print};

/// A bundle that answers "Hello.", and requests of one person to it.
struct TurnHarness {
    bundle: TestBundle,
    engine: Arc<ScriptedEngine>,
    builder: RequestBuilder,
}

impl TurnHarness {
    async fn begin() -> Self {
        let engine = Arc::new(ScriptedEngine::replying("Hello."));
        let clock = TestBundle::clock_at_start();
        let bundle = TestBundle::with_shared(engine.clone(), clock.clone()).await;
        keys::channel_set().into_iter().for_each(|key| bundle.channel().publish_key(key));
        let alex: Person = bundle.channel().add_person("Alex");
        let mut activity = bundle.channel().message(&alex, "hello");
        activity["id"] = "<id>".into();
        let builder = RequestBuilder {
            client_id: CLIENT_ID.to_owned(),
            tenant: TENANT.to_owned(),
            service_url: bundle.channel().service_url(),
            activity,
            clock,
            listener: SsrfListener::new(),
            made: AtomicU64::new(0),
        };
        Self { bundle, engine, builder }
    }

    async fn play(&self, request: &Request) -> u16 {
        play(&self.bundle.local().functions.inbound, &request.event).await.status
    }

    async fn end(self) {
        self.bundle.drain().await;
        assert!(!self.builder.listener.was_contacted(), "a request reached the listener");
        self.bundle.end().await;
    }
}

fn rows(effect: &str) -> Vec<Row> {
    let rows: Vec<Row> = row::all().into_iter().filter(|row| row.effect.as_deref() == Some(effect)).collect();
    assert!(!rows.is_empty(), "no row has the effect {effect}");
    rows
}

fn mutations(effect: &str) -> Vec<Mutation> {
    rows(effect).into_iter().flat_map(|row| row.mutations).collect()
}

/// Returns the mutations of the row, all with one activity id.
fn same_id(effect: &str) -> Vec<Mutation> {
    let mut mutations = mutations(effect);
    for mutation in &mut mutations {
        mutation.body.insert("/id".to_owned(), "\"1\"".to_owned());
    }
    mutations
}

#[tokio::test]
async fn every_effect_of_the_corpus_is_asserted() {
    let known = [
        "unchanged",
        "nothing queued",
        "no caller",
        "one reference",
        "dated now",
        "dated in five minutes",
        "its own reference",
        "one segment",
        "nothing asked for",
        "one turn",
        "the first wins",
        "two turns",
        "keys out of reach",
        "keys out of reach, bad token",
        "left to the dead-letter queue",
        "failed unsent",
        "answered by their ids",
        "refused before a send",
        "placed as text",
        "sent once",
        "not followed",
        "sent once there is a token",
        "retried within the hour",
        "read as it came",
    ];

    let named: BTreeSet<String> = row::all().into_iter().filter_map(|row| row.effect).collect();

    assert_eq!(named, known.map(str::to_owned).into());
}

#[tokio::test]
async fn conversation_id_stays_one_path_segment() {
    let harness = TurnHarness::begin().await;
    let mutations = mutations("one segment");

    for mutation in &mutations {
        let before = harness.bundle.channel().entries().len();
        assert_eq!(harness.play(&harness.builder.request(mutation)).await, 202);
        harness.bundle.drain().await;

        // The channel does not know the conversation: the personal one is created the first time, and used for the answer.
        let entries = harness.bundle.channel().entries().split_off(before);
        let entry = &entries[0];
        assert_eq!(entries.len(), if before == 0 { 3 } else { 2 });
        let segments: Vec<&str> = entry.path.split('/').collect();
        let ["", "teams", "v3", "conversations", name, "activities"] = segments[..] else {
            panic!("{:?} leads to {}", mutation.body, entry.path);
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        assert!(name.bytes().all(is_plain) && !["", ".", ".."].contains(&name), "{}", entry.path);
    }
    harness.end().await;
}

#[tokio::test]
async fn urls_in_an_activity_are_not_fetched() {
    let harness = TurnHarness::begin().await;

    for mutation in mutations("nothing asked for") {
        let status = harness.play(&harness.builder.request(&mutation)).await;
        assert_eq!(status, mutation.expect, "{:?}", mutation.body);
    }
    harness.bundle.drain().await;

    assert!(!harness.bundle.channel().texts().is_empty());
    harness.end().await;
}

#[tokio::test]
async fn hundred_concurrent_copies_of_an_activity_are_one_turn() {
    let harness = TurnHarness::begin().await;
    let request = harness.builder.request(&same_id("one turn")[0]);
    let inbound = harness.bundle.local().functions.inbound.clone();

    let mut playing = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (inbound, event) = (inbound.clone(), request.event.clone());
        playing.spawn(async move { play(&inbound, &event).await.status });
    }
    let statuses = playing.join_all().await;
    harness.bundle.drain().await;
    assert_eq!(harness.play(&request).await, 202);
    harness.bundle.drain().await;

    assert_eq!(statuses, [202; 100]);
    assert_eq!(harness.engine.received().len(), 1);
    assert_eq!(harness.bundle.channel().texts(), ["Hello."]);
    print("F1: one activity 101 times, one turn, one follow-up");
    harness.end().await;
}

#[tokio::test]
async fn first_activity_with_an_id_wins() {
    let harness = TurnHarness::begin().await;

    for mutation in same_id("the first wins") {
        assert_eq!(harness.play(&harness.builder.request(&mutation)).await, 202);
        harness.bundle.drain().await;
    }

    assert_eq!(harness.engine.received(), [("message".to_owned(), "hello".to_owned())]);
    harness.end().await;
}

#[tokio::test]
async fn same_id_in_another_conversation_is_another_turn() {
    let harness = TurnHarness::begin().await;

    for mutation in same_id("two turns") {
        assert_eq!(harness.play(&harness.builder.request(&mutation)).await, 202);
    }
    harness.bundle.drain().await;

    assert_eq!(harness.engine.received().len(), 2);
    harness.end().await;
}

#[tokio::test]
async fn playground_token_is_accepted_only_with_playground_enabled() {
    let setup = Setup::without_storage().await;
    let row = row::all().into_iter().find(|row| row.row == "C10").unwrap();
    let own_playground = setup.own_playground();

    for mutation in &row.mutations {
        let request = setup.builder.request(mutation);

        assert_eq!(play(&own_playground, &request.event).await.status, 202);
        assert_eq!(play(&setup.with_callers, &request.event).await.status, 401);
    }
}
