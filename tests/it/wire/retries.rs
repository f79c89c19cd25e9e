//! Job records after a connection fault: an answer is sent once more, a broadcast is not. The parent module covers the
//! classification.

use std::time::Duration;

use herald::channel::http::Timeouts;
use herald::clock::Clock;
use herald::jobs::State;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::service_url::ServiceUrl;
use serde_json::json;
use support::{ConnectionStep, RawServer, ScriptedEngine, SecondWorker, TestBundle};
use worker::{MessageContext, WorkError};

use super::{reply, setup};

/// Returns the ways in which a response is lost, with and without a complete request.
fn losses() -> [Vec<ConnectionStep>; 6] {
    let part = |text: &str| ConnectionStep::Write(text.as_bytes().to_vec());
    [
        vec![ConnectionStep::Read(0), ConnectionStep::Reset],
        vec![ConnectionStep::Read(200), ConnectionStep::Close],
        vec![ConnectionStep::ReadRequest, ConnectionStep::Close],
        vec![ConnectionStep::ReadRequest, ConnectionStep::Reset],
        vec![ConnectionStep::ReadRequest, part("HTTP/1.1 201 Cre"), ConnectionStep::Close],
        vec![ConnectionStep::ReadRequest, part("HTTP/1.1 103 Early Hints\r\n\r\n"), ConnectionStep::Close],
    ]
}

fn taken() -> Vec<ConnectionStep> {
    vec![
        ConnectionStep::ReadRequest,
        ConnectionStep::Write(reply("201 Created", r#"{"id":"1"}"#)),
        ConnectionStep::Close,
    ]
}

/// Answers the request that shows whether the channel is available: it knows no such conversation.
fn available() -> Vec<ConnectionStep> {
    let refused = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    vec![ConnectionStep::ReadRequest, ConnectionStep::Write(refused.into()), ConnectionStep::Close]
}

/// Queues a turn of a person whose connector is `server`; returns its body.
async fn queued(bundle: &TestBundle, server: &RawServer) -> String {
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "hello").await;
    let poller = bundle.poller("turns");
    let received = poller.sqs.receive_message().queue_url(&poller.url).send().await.unwrap();
    let message = received.messages.unwrap_or_default().pop().unwrap();
    let receipt = message.receipt_handle.unwrap();
    poller.sqs.delete_message().queue_url(&poller.url).receipt_handle(receipt).send().await.unwrap();
    let connector_url = format!("http://{}/teams/", server.authority());
    message.body.unwrap().replace(&bundle.channel().service_url(), &connector_url)
}

/// Queues a turn and has the second worker handle it until it is complete; returns the states of all jobs.
async fn answer(bundle: &TestBundle, second_worker: &SecondWorker, server: &RawServer) -> Vec<State> {
    let body = queued(bundle, server).await;
    while let Err(unsettled) = second_worker.worker.handle(&body, MessageContext::default()).await {
        bundle.clock().advance(wait(unsettled));
    }
    states(bundle).await
}

/// Returns the delay of the retry.
fn wait(unsettled: WorkError) -> Duration {
    match unsettled {
        WorkError::Retry(retry) => retry.wait,
        WorkError::Poison => unreachable!("the body is a turn"),
    }
}

async fn states(bundle: &TestBundle) -> Vec<State> {
    let mut states: Vec<State> = bundle.jobs().await.into_iter().map(|job| job.state).collect();
    states.dedup();
    states
}

#[tokio::test]
async fn ambiguous_answer_is_sent_once_more() {
    for loss in losses() {
        let (bundle, second_worker) = setup(ScriptedEngine::replying("Hello."), Timeouts::default()).await;
        let server = RawServer::start().await;
        server.then(loss.clone());
        server.then(available());
        server.then(taken());

        let states = answer(&bundle, &second_worker, &server).await;

        assert_eq!((states, server.connections()), (vec![State::Sent], 3), "{loss:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn answer_ambiguous_twice_is_unknown_and_not_sent_again() {
    let (bundle, second_worker) = setup(ScriptedEngine::replying("Hello."), Timeouts::default()).await;
    let server = RawServer::start().await;
    let [first, .., second] = losses();
    server.then(first);
    server.then(available());
    server.then(second);

    let states = answer(&bundle, &second_worker, &server).await;

    assert_eq!((states, server.connections()), (vec![State::Unknown], 3));
    bundle.end().await;
}

#[tokio::test]
async fn ambiguous_broadcast_is_never_sent_again() {
    for loss in losses() {
        let (bundle, second_worker) = setup(ScriptedEngine::notifying("News."), Timeouts::default()).await;
        let server = RawServer::start().await;
        let alex = bundle.channel().add_person("Alex");
        let written = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
        let service_url = ServiceUrl::new(&format!("http://{}/teams/", server.authority())).unwrap();
        let reference = ConversationReference { service_url, ..ConversationReference::of(&written).unwrap() };
        let references = &second_worker.worker.parts().references;
        references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();
        server.then(loss.clone());

        bundle.fire(json!({ "kind": "user", "tenant": alex.tenant, "id": alex.entra_id })).await.unwrap();
        second_worker.drain(&bundle).await;

        assert_eq!((states(&bundle).await, server.connections()), (vec![State::Unknown], 1), "{loss:?}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn throttled_answer_waits_for_retry_after_or_a_random_delay() {
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
        (503, "Retry-After: 60\r\n".to_owned(), 8..=8),
        (401, String::new(), 300..=300),
    ];
    let (bundle, second_worker) = setup(ScriptedEngine::replying("Hello."), Timeouts::default()).await;

    for (status, headers, expected) in rows {
        let server = RawServer::start().await;
        let refused = format!("HTTP/1.1 {status} No\r\n{headers}Content-Length: 0\r\n\r\n");
        let times = if status == 401 { 2 } else { 1 };
        for _ in 0..times {
            server.then([
                ConnectionStep::ReadRequest,
                ConnectionStep::Write(refused.clone().into()),
                ConnectionStep::Close,
            ]);
        }
        let probes = usize::from(status == 503);
        if probes > 0 {
            server.then(available());
        }
        server.then(taken());
        let body = queued(&bundle, &server).await;

        let waits = wait(second_worker.worker.handle(&body, MessageContext::default()).await.unwrap_err());
        bundle.clock().advance(waits);
        second_worker.worker.handle(&body, MessageContext::default()).await.unwrap();

        assert!(expected.contains(&waits.as_secs()), "{status} {headers}: {waits:?}");
        assert_eq!(server.requests().len(), times + probes + 1, "{status} {headers}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn answer_throttled_for_an_hour_waits_as_timer() {
    let (bundle, second_worker) = setup(ScriptedEngine::replying("Hello."), Timeouts::default()).await;
    let server = RawServer::start().await;
    let head = "HTTP/1.1 429 No\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n";
    server.then([ConnectionStep::ReadRequest, ConnectionStep::Write(head.into()), ConnectionStep::Close]);
    server.then(taken());
    let body = queued(&bundle, &server).await;

    let result = second_worker.worker.handle(&body, MessageContext::default()).await;
    bundle.clock().advance(Duration::from_secs(3_601));
    bundle.tick().await;
    second_worker.drain(&bundle).await;

    assert_eq!((result, server.requests().len()), (Ok(()), 2));
    assert_eq!(states(&bundle).await, [State::Sent]);
    bundle.end().await;
}
