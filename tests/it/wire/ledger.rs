//! What a broken wire leaves in the ledger: an answer is sent once more, an announcement is not.
//! Which break counts as what is next door.

use herald::clock::Clock;
use std::time::Duration;

use herald::channel::http::Timeouts;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::service_url::ServiceUrl;
use serde_json::json;
use support::{Act, Neighbour, Peer, ScriptedEngine, TestBundle};
use worker::{MessageContext, WorkError};

use super::{reply, world};

/// The ways in which an answer may be lost, and whether it was read first.
fn losses() -> [Vec<Act>; 6] {
    let part = |text: &str| Act::Write(text.as_bytes().to_vec());
    [
        vec![Act::Read(0), Act::Reset],
        vec![Act::Read(200), Act::Close],
        vec![Act::ReadRequest, Act::Close],
        vec![Act::ReadRequest, Act::Reset],
        vec![Act::ReadRequest, part("HTTP/1.1 201 Cre"), Act::Close],
        vec![Act::ReadRequest, part("HTTP/1.1 103 Early Hints\r\n\r\n"), Act::Close],
    ]
}

fn taken() -> Vec<Act> {
    vec![Act::ReadRequest, Act::Write(reply("201 Created", r#"{"id":"1"}"#)), Act::Close]
}

/// The queued turn of a person who asks, with the peer for its connector.
async fn queued(bundle: &TestBundle, peer: &Peer) -> String {
    let alex = bundle.channel().add_person("Alex");
    bundle.receive(bundle.channel().message(&alex, "hello")).await;
    let pump = bundle.pump("turns");
    let received = pump.sqs.receive_message().queue_url(&pump.url).send().await.unwrap();
    let message = received.messages.unwrap_or_default().pop().unwrap();
    let receipt = message.receipt_handle.unwrap();
    pump.sqs.delete_message().queue_url(&pump.url).receipt_handle(receipt).send().await.unwrap();
    let to_peer = format!("http://{}/teams/", peer.authority());
    message.body.unwrap().replace(&bundle.channel().service_url(), &to_peer)
}

/// Has a person ask, and the neighbour answer to the peer until nothing is left to do; gives the states of all jobs.
async fn answer(bundle: &TestBundle, neighbour: &Neighbour, peer: &Peer) -> Vec<String> {
    let body = queued(bundle, peer).await;
    while let Err(unsettled) = neighbour.worker.handle(&body, MessageContext::default()).await {
        bundle.clock().advance(wait(unsettled));
    }
    states(bundle).await
}

/// How long work that is not settled waits.
fn wait(unsettled: WorkError) -> Duration {
    match unsettled {
        WorkError::Retry(retry) => retry.wait,
        WorkError::Poison => unreachable!("the body is a turn"),
    }
}

async fn states(bundle: &TestBundle) -> Vec<String> {
    let state = |job: String| {
        let job: serde_json::Value = serde_json::from_str(&job).unwrap();
        job["state"].as_str().unwrap().to_owned()
    };
    let mut states: Vec<String> = bundle.jobs().await.into_iter().map(state).collect();
    states.dedup();
    states
}

#[tokio::test]
async fn an_answer_that_may_have_been_seen_is_sent_once_more() {
    for loss in losses() {
        let (bundle, neighbour) = world(ScriptedEngine::saying("Hello."), Timeouts::default()).await;
        let peer = Peer::start().await;
        peer.then(loss.clone());
        peer.then(taken());

        let states = answer(&bundle, &neighbour, &peer).await;

        assert_eq!((states, peer.connections()), (vec!["SENT".to_owned()], 2), "{loss:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn an_answer_lost_twice_is_unknown_and_not_sent_a_third_time() {
    let (bundle, neighbour) = world(ScriptedEngine::saying("Hello."), Timeouts::default()).await;
    let peer = Peer::start().await;
    let [first, .., second] = losses();
    peer.then(first);
    peer.then(second);

    let states = answer(&bundle, &neighbour, &peer).await;

    assert_eq!((states, peer.connections()), (vec!["UNKNOWN".to_owned()], 2));
    bundle.end().await;
}

#[tokio::test]
async fn an_announcement_that_may_have_been_seen_is_never_sent_again() {
    for loss in losses() {
        let (bundle, neighbour) = world(ScriptedEngine::telling("News."), Timeouts::default()).await;
        let peer = Peer::start().await;
        let alex = bundle.channel().add_person("Alex");
        let written = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
        let service_url = ServiceUrl::new(&format!("http://{}/teams/", peer.authority())).unwrap();
        let reference = ConversationReference { service_url, ..ConversationReference::of(&written).unwrap() };
        let references = &neighbour.worker.parts().references;
        references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();
        peer.then(loss.clone());

        bundle.fire(json!({ "kind": "user", "tenant": alex.tenant, "id": alex.entra_id })).await.unwrap();
        neighbour.drain(&bundle).await;

        assert_eq!((states(&bundle).await, peer.connections()), (vec!["UNKNOWN".to_owned()], 1), "{loss:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn an_answer_waits_as_long_as_the_channel_says_and_else_for_a_random_while() {
    let date = "Date: Sun, 22 Nov 2026 09:00:00 GMT\r\n";
    let rows = [
        (429, String::new(), 1..=2),
        (429, "Retry-After: 7\r\n".to_owned(), 7..=7),
        (429, "Retry-After: 0\r\n".to_owned(), 1..=1),
        (429, format!("{date}Retry-After: Sun, 22 Nov 2026 09:05:00 GMT\r\n"), 300..=300),
        (429, format!("{date}Retry-After: Sun, 22 Nov 2026 08:00:00 GMT\r\n"), 1..=1),
        (429, "Retry-After: soon\r\n".to_owned(), 1..=2),
        (429, "Retry-After: -5\r\n".to_owned(), 1..=2),
        (412, String::new(), 1..=2),
        (503, "Retry-After: 60\r\n".to_owned(), 1..=2),
        (401, String::new(), 300..=300),
    ];
    let (bundle, neighbour) = world(ScriptedEngine::saying("Hello."), Timeouts::default()).await;

    for (status, headers, expected) in rows {
        let peer = Peer::start().await;
        let refused = format!("HTTP/1.1 {status} No\r\n{headers}Content-Length: 0\r\n\r\n");
        let times = if status == 401 { 2 } else { 1 };
        for _ in 0..times {
            peer.then([Act::ReadRequest, Act::Write(refused.clone().into()), Act::Close]);
        }
        peer.then(taken());
        let body = queued(&bundle, &peer).await;

        let waits = wait(neighbour.worker.handle(&body, MessageContext::default()).await.unwrap_err());
        neighbour.worker.handle(&body, MessageContext::default()).await.unwrap();

        assert!(expected.contains(&waits.as_secs()), "{status} {headers}: {waits:?}");
        assert_eq!(peer.requests().len(), times + 1, "{status} {headers}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn an_answer_that_has_to_wait_an_hour_waits_on_the_agenda() {
    let (bundle, neighbour) = world(ScriptedEngine::saying("Hello."), Timeouts::default()).await;
    let peer = Peer::start().await;
    let head = "HTTP/1.1 429 No\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n";
    peer.then([Act::ReadRequest, Act::Write(head.into()), Act::Close]);
    peer.then(taken());
    let body = queued(&bundle, &peer).await;

    let put_down = neighbour.worker.handle(&body, MessageContext::default()).await;
    bundle.clock().advance(Duration::from_secs(3_601));
    bundle.tick().await;
    neighbour.drain(&bundle).await;

    assert_eq!((put_down, peer.requests().len()), (Ok(()), 2));
    assert_eq!(states(&bundle).await, ["SENT"]);
    bundle.end().await;
}
